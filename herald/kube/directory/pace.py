"""All times of the directory source, in seconds, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient the source is, and how often it looks by itself."""

    removal_s: float = 2.0
    """A removal counts after so long: a checkout deletes a file and writes it anew, people move objects between files."""
    quiet_s: float = 0.05
    """Where a file system has no leases, a file that has not changed for so long is taken for whole."""
    cut_short_s: float = 2.0
    """How long a YAML file that was written in place and does not end in a line end may be waiting for the rest."""
    long_open_s: float = 5.0
    """A file that somebody has open for writing for so long is named as a problem."""
    abandoned_s: float = 30.0
    """A file that somebody has open for writing, but has not written for so long, is read all the same. An NFS server that
    grants no delegation looks like that too."""
    poll_waiting_s: float = 0.01
    """How often a file is looked at that somebody is writing."""
    poll_folders_s: float = 0.1
    """How often the folders themselves are looked at: a mount over a folder is no event in it."""
    scan_s: float = 10.0
    """How often all files are compared, by stat, in case events of the kernel were lost."""
    scan_unwatched_s: float = 1.0
    """The same while the kernel grants no watch."""
    scan_new_s: float = 0.2
    """All files are compared so long after a directory appeared: some may have been written before it was watched."""
    turn_s: float = 0.01
    """Files are read for so long before others have a turn."""


USUAL = Pace()
