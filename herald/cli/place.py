"""Where `herald drain` and `herald undrain` find Drain objects and leave them: an API server, or a folder of manifests."""

import argparse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import yaml

from herald.cli.access import access
from herald.kube.api import RESOURCES, ApiClient, FieldManager, NotFoundError, Target, apply
from herald.kube.api.decode import decode_object
from herald.kube.api.pages import list_pages
from herald.kube.objects import CONFIG_API_VERSION, ConfigManifest, Kind, ObjectKey
from herald.kube.source import Upsert
from herald.status.world import read_folder

TIME = "%Y-%m-%dT%H:%M:%SZ"


class NotPossibleError(Exception):
    """What was asked for cannot be; the text says why, and what would help."""


class Place(Protocol):
    """Raises ApiError, UnreachableError, NotReadableError, OSError, NotPossibleError."""

    async def has_node(self, name: str) -> bool:
        """Whether there is a Node of this name."""

    async def drains(self) -> list[ConfigManifest]:
        """All Drain objects, with their statuses as far as those can be read."""

    async def put(self, name: str, spec: Mapping[str, Any]) -> None:
        """The Drain of this name says this."""

    async def remove(self, drain: ConfigManifest) -> None:
        """The Drain ends, and is gone."""


@dataclass(frozen=True, slots=True)
class Server:
    """An API server."""

    client: ApiClient

    def __str__(self) -> str:
        return "the cluster"

    async def has_node(self, name: str) -> bool:
        try:
            await self.client.get(RESOURCES[Kind.NODE].path(ObjectKey("", name)))
        except NotFoundError:
            return False
        return True

    async def drains(self) -> list[ConfigManifest]:
        pages = list_pages(self.client, RESOURCES[Kind.DRAIN].collection(), ())
        found = [decode_object(Kind.DRAIN, raw) async for page in pages for _, raw in page.items]
        return [each for each in found if isinstance(each, ConfigManifest)]

    async def put(self, name: str, spec: Mapping[str, Any]) -> None:
        target = Target(resource=RESOURCES[Kind.DRAIN], key=ObjectKey("", name))
        await apply(self.client, FieldManager.COMMAND, target, {"spec": spec}, force=True)

    async def remove(self, drain: ConfigManifest) -> None:
        """Its time is over first: that counts at once, while the end of a configuration object is held for 10 s."""
        target = Target.of(Kind.DRAIN, drain.metadata)
        over = {**drain.spec, "until": datetime.now(UTC).strftime(TIME)}
        await apply(self.client, FieldManager.COMMAND, target, {"spec": over}, force=True)
        await self.client.send("DELETE", target.resource.path(target.key), {"preconditions": {"uid": drain.metadata.uid}})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of manifests. Without `state` nothing is known of how far drains are."""

    manifests: Path
    state: Path | None

    def __str__(self) -> str:
        return str(self.manifests)

    async def has_node(self, name: str) -> bool:
        changes = (await read_folder(self.manifests, self.state)).changes
        return any(isinstance(each, Upsert) and each.kind is Kind.NODE and each.key.name == name for each in changes)

    async def drains(self) -> list[ConfigManifest]:
        changes = (await read_folder(self.manifests, self.state)).changes
        objects = (each.object for each in changes if isinstance(each, Upsert) and each.kind is Kind.DRAIN)
        return [each for each in objects if isinstance(each, ConfigManifest)]

    async def put(self, name: str, spec: Mapping[str, Any]) -> None:
        manifest = {
            "apiVersion": CONFIG_API_VERSION,
            "kind": Kind.DRAIN.value,
            "metadata": {"name": name},
            "spec": dict(spec),
        }
        path = self._path(name)
        written = path.with_name(f".{path.name}.new")
        written.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
        written.replace(path)

    async def remove(self, drain: ConfigManifest) -> None:
        """Its file goes, which counts after 2 s."""
        path = self._path(drain.metadata.name)
        if not path.exists():
            raise NotPossibleError(f"Drain {drain.metadata.name} is not in {path}: delete it where it is written")
        path.unlink()

    def _path(self, name: str) -> Path:
        return self.manifests / f"drain-{name}.yaml"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Those that say where."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--kubeconfig", type=Path, metavar="FILE", help="(default: $KUBECONFIG, ~/.kube/config, the pod's)")
    where.add_argument("--manifests", type=Path, metavar="DIR", help="the Drain is a file in this folder, without a cluster")
    parser.add_argument("--state", type=Path, metavar="DIR", help="with --manifests: the controller's state directory")


@asynccontextmanager
async def place(args: argparse.Namespace) -> AsyncIterator[Place]:
    """The one that the flags name."""
    if args.manifests:
        yield Folder(args.manifests, args.state)
        return
    async with ApiClient(access(args.kubeconfig)) as client:
        yield Server(client)


async def require_node(where: Place, name: str) -> None:
    """Raises NotPossibleError when there is no Node of this name."""
    if not await where.has_node(name):
        raise NotPossibleError(f"there is no Node {name} in {where}: `herald status` lists the nodes")
