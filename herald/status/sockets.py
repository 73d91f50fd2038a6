"""Who has TCP port 179 on this host, read from /proc/net/tcp{,6} and /proc/PID/fd. `holders` reads; the rest is pure."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BGP_PORT = 179
_LISTEN, _ESTABLISHED = "0A", "01"


@dataclass(frozen=True, slots=True)
class Holder:
    """A program with a socket of port 179: it listens, or has a session. `name` is empty where its owner may not be seen."""

    name: str
    pid: int | None
    listens: bool


def bgp_sockets(table: str) -> Iterator[tuple[str, bool]]:
    """The inode of each socket that listens on port 179 or is connected to it, and whether it listens."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
        if state == _LISTEN and _port(local) == BGP_PORT:
            yield inode, True
        elif state == _ESTABLISHED and BGP_PORT in {_port(local), _port(remote)}:
            yield inode, False


def holders(proc: Path = Path("/proc")) -> list[Holder]:
    """Each program once."""
    found: dict[str, bool] = {}
    for name in ("tcp", "tcp6"):
        found |= dict(bgp_sockets((proc / "net" / name).read_text()))
    owners = _owners(found.keys(), proc)
    known = ((owners.get(inode), listens) for inode, listens in found.items())
    holding = {Holder(owner[0] if owner else "", owner[1] if owner else None, listens) for owner, listens in known}
    return sorted(holding, key=lambda holder: (not holder.listens, holder.name, holder.pid or 0))


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _owners(inodes: Iterable[str], proc: Path) -> Mapping[str, tuple[str, int]]:
    """Name and process of each. A process may end while it is looked at."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[str, tuple[str, int]] = {}
    for process in (each for each in proc.iterdir() if each.name.isdigit()) if wanted else ():
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if inode := wanted.get(str(descriptor.readlink())):
                    owners.setdefault(inode, (_name(process), int(process.name)))
    return owners


def _name(process: Path) -> str:
    """Of an interpreter the script that it runs."""
    name = (process / "comm").read_text().strip()
    argv = (process / "cmdline").read_text().split("\0")
    scripts = [Path(word).name for word in argv[1:] if "/" in word]
    return "exabgp" if name.startswith("python") and "launch.py" in scripts else name
