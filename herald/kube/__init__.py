"""The cluster's objects as typed values, where they come from, and what is written back.

- `objects`: the values. `source`: the five words (Synced, Upsert, Gone, Stale, Fresh) and the mailbox `Changes`.
- `ports`: StatusWriter. `requested`: the addresses that a Service asks for by name.
- `directory`: all of it for a directory of manifests:

      source = DirectorySource(manifests, kinds, secrets=None, status=None)
      changes = Changes()
      task_group.create_task(source.run(changes))   # never returns; cancel it
      for change in await changes.take(): ...
      source.problems                               # what is wrong with the files now: SourceProblem

  A removal counts after 2 s. A file that is half written, wrong or unreadable, or a folder that is lost, changes nothing.

  `status` is the folder that DirectoryStatusWriter(status) writes; it must exist before the source is Synced, and the
  writer makes it. A Service's VIPs are those of its status file, whatever the manifest says; with `status=None` those
  that the manifest requests. After Synced a controller forgets what `writer.known()` has and the source has not.
  `async with ControllerLock(state):` lets only one controller be active.
- `api`: the same for a Kubernetes API server; see there.
"""
