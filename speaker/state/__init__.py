"""What a speaker leaves to its successor on the same boot, so that a restart loses nothing (DESIGN.md, rules 4 and 5).

Two files in the runtime directory, which is on tmpfs: `state`, the last good form of every object that this node decides by
and what the parts of the speaker remember of their past; `passwords`, the Secrets of its peers, apart so that the other one
can be looked at.

From pure to real: record (lines), last_good, recall (what an earlier life knew, until it is heard of again), parts, memory
-> file -> scribe (when it is written) -> mailbox (where the source's words meet what is remembered) -> folder.
"""
