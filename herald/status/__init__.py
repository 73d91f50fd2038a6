"""What `herald status` shows: of all nodes by API objects or files, of one by its speaker's socket, of a host by its kernel.

- `world`: reads everything that decisions are made of. `decided`: lets the speakers' own core decide for each node, and the
  controller's own plan for each Service, on that. `local`: asks a running speaker instead.
- `answer`: both give the same values. `show`: as text; JSON is the values themselves. `explain`: one Service's story.
- `preflight`: what a node needs of its kernel, and who else speaks BGP there.

Changes nothing anywhere.
"""
