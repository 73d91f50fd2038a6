"""BFD (RFC 5880, 5881, 5882): finds a silent peer within a few hundred milliseconds. Single hop, asynchronous mode.

Sessions live in a program of their own, `herald bfd`, so that a restart of the speaker leaves them up (C bit set).
From pure to real: packet, profile, session (one state machine), status, sessions (all, and whose packet is whose),
messages (the control protocol) -> udp, control, realtime, program. On the speaker's side: client, and policy, which decides
what BFD's word means for a BGP session.
"""
