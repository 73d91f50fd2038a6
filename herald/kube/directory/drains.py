"""What the controller says of each Drain: `drains.herald-lb.io/<name>.json` in the state directory (no namespace has a dot).

As with Services a file belongs to the name: it holds until the controller removes it. A Drain has the grants of its file,
and none if there is none, whatever its manifest says.
"""

import asyncio
from pathlib import Path

import msgspec

from bgp_config.status.drain import DrainStatus
from herald.kube.directory import durable
from herald.kube.directory.decode import Flaw, ObjectId
from herald.kube.objects import ConfigManifest, ConfigStatus, Kind, ObjectKey

DRAINS = "drains.herald-lb.io"


def drain_key(name: str) -> ObjectKey:
    """The key of a Drain's file among those of Services."""
    return ObjectKey(DRAINS, name)


def subject(key: ObjectKey) -> ObjectId:
    """What the file of this key is about."""
    return (Kind.DRAIN, ObjectKey("", key.name)) if key.namespace == DRAINS else (Kind.SERVICE, key)


def read_drain(content: bytes) -> DrainStatus | Flaw:
    try:
        return msgspec.json.decode(content, type=DrainStatus)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Flaw(message=f"no status of a Drain: {error}", hint="only the controller writes here; it stays as it was")


def with_grants(drain: ConfigManifest, status: DrainStatus | None) -> ConfigManifest:
    shown = msgspec.convert(msgspec.to_builtins(status), ConfigStatus) if status else ConfigStatus()
    return msgspec.structs.replace(drain, status=shown)


class DirectoryDrainWriter:
    """Writes statuses of Drains. Only who holds the ControllerLock may use it; one call at a time. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / DRAINS

    async def write(self, drain: ConfigManifest, status: DrainStatus) -> None:
        await asyncio.to_thread(durable.replace, self._path(drain.metadata.name), status)

    async def forget(self, name: str) -> None:
        """The Drain is gone."""
        await asyncio.to_thread(durable.remove, self._path(name))

    async def known(self) -> frozenset[str]:
        """The Drains of which something is written. After a start those that exist no more are to be forgotten."""
        paths = await asyncio.to_thread(lambda: list(self._directory.glob("[!.]*.json")))
        return frozenset(path.stem for path in paths)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"
