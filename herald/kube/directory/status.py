"""The state directory: what the controller says of each Service, one file `<namespace>/<name>.json` for each. What it says
of Drains is in drains.py.

The controller writes, everyone reads. A file belongs to the name, not to one life of the Service: it holds until the
controller forgets the Service, so that a VIP does not move when a manifest is deleted and written anew. A uid could not
tell the lives apart, since in a directory it is made from the name; it is there for people, and for tools.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from bgp_config.names import IPAddress
from herald.kube.directory import durable
from herald.kube.directory.decode import Flaw
from herald.kube.directory.drains import DRAINS
from herald.kube.objects import Ingress, LoadBalancerStatus, ObjectKey, Service, ServiceStatus
from herald.kube.requested import requested_vips

NO_VERSION = ""


class StatusFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one file says. `reason` and `message` are for people, and empty when all is well."""

    uid: str = ""
    requested: list[str] = []
    vips: list[str] = []
    reason: str = ""
    message: str = ""

    @classmethod
    def of(cls, service: Service, vips: Sequence[str], reason: str = "", message: str = "") -> "StatusFile":
        requested: list[str] = []
        with suppress(ValueError):
            requested = [str(vip) for vip in requested_vips(service)]
        return cls(uid=service.metadata.uid, requested=requested, vips=list(vips), reason=reason, message=message)


def status_path(directory: Path, service: ObjectKey) -> Path:
    return directory / service.namespace / f"{service.name}.json"


def status_key(directory: Path, path: Path) -> ObjectKey | None:
    """The Service that a file is about, or the Drain (drains.py); None for a file that is no status."""
    match path.relative_to(directory).parts:
        case (namespace, name):
            return ObjectKey(namespace, name.removesuffix(".json"))
        case _:
            return None


def read_status(content: bytes) -> StatusFile | Flaw:
    try:
        status = msgspec.json.decode(content, type=StatusFile)
        for vip in status.vips:
            ip_address(vip)
    except ValueError as error:  # msgspec's errors are ValueErrors too
        return Flaw(message=f"no status of a Service: {error}", hint="only the controller writes here; it stays as it was")
    return status


def with_status(service: Service, status: StatusFile | None) -> Service:
    """The Service with the VIPs of its file, with none if there is none, whatever its manifest says."""
    ingress = [Ingress(ip=vip) for vip in status.vips] if status else []
    return msgspec.structs.replace(service, status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)))


class DirectoryStatusWriter:
    """The StatusWriter of the state directory. Only who holds the ControllerLock may use it.

    Nothing is refused: a directory has no newer state that a writer could have missed.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)  # at once: a speaker waits for it
        self._directory = directory
        self._locks: WeakValueDictionary[ObjectKey, asyncio.Lock] = WeakValueDictionary()

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> str:
        async with self._locks.setdefault(service.key, asyncio.Lock()):
            status = StatusFile.of(service, [str(vip) for vip in vips])
            await asyncio.to_thread(durable.replace, status_path(self._directory, service.key), status)
        return NO_VERSION

    async def write_pending(self, service: Service, reason: str, message: str) -> str:
        """Leaves the VIPs in the file as they are: a word about them never takes one away."""
        async with self._locks.setdefault(service.key, asyncio.Lock()):
            path = status_path(self._directory, service.key)
            status = StatusFile.of(service, await asyncio.to_thread(_vips_in, path, service), reason, message)
            await asyncio.to_thread(durable.replace, path, status)
        return NO_VERSION

    async def forget(self, service: Service) -> None:
        async with self._locks.setdefault(service.key, asyncio.Lock()):
            await asyncio.to_thread(durable.remove, status_path(self._directory, service.key))

    async def known(self) -> frozenset[ObjectKey]:
        """The Services of which something is kept. After a start those that exist no more are to be forgotten."""
        paths = await asyncio.to_thread(lambda: list(self._directory.glob("[!.]*/[!.]*.json")))
        keys = (status_key(self._directory, path) for path in paths)
        return frozenset(key for key in keys if key and key.namespace != DRAINS)


def _vips_in(path: Path, service: Service) -> list[str]:
    """As the file says; as the Service has them in force if someone spoilt the file."""
    try:
        status = read_status(path.read_bytes())
    except FileNotFoundError:
        return []
    return status.vips if isinstance(status, StatusFile) else [str(vip) for vip in service.vips]
