"""The engine: BGP sessions spoken by ExaBGP, one process per session and life. The only place that knows ExaBGP.

For the daemon:
- `engine.ExaBgpEngine(directory=..., on_event=...)` is the `Engine` of speaker/session.py. `run()` is a task of the daemon's
  TaskGroup and empties `directory` first; `open`, `apply`, `close` never wait and may be called from `on_event`;
  `await aclose(Ending.WITHDRAW)` ends everything within 4 s, then `run` returns. Take the `lock.SpeakerLock` before.
- Events, in order, per session: `Closed` (with why; while down only when why changes), `Established`, `Programmed` per
  prefix when its UPDATE is on the wire, `InSync` once per session, `Closed`. After `Closed` the peer has nothing of ours
  and everything comes again without a call. `Ended` once, after `close`, when its ExaBGP is gone.

Inside, from pure to real: config, command, message, why -> adj_rib_out -> driver (bytes in, events and bytes out) ->
pipes, process (one ExaBGP) -> keeper (one session) -> engine (all). Programs of their own, outside the speaker's process:
launch (runs ExaBGP with better sockets) and shim (hands over its pipes; the dead-man switch).
"""
