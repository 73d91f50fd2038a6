"""A directory source at work on real files, for tests."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from herald.kube.directory import DirectorySource
from herald.kube.directory.pace import Pace
from herald.kube.objects import Kind, ObjectKey, Service
from herald.kube.source import Changes
from tests.contract.reader import Reader

ALL = frozenset(Kind)
QUICK = Pace(removal_s=0.5, cut_short_s=0.5, long_open_s=0.5, scan_s=1.0)
"""As patient as a test has time for."""
SETTLED_S = 0.8
"""After this time a QUICK source has nothing more to say."""


def service(name: str, load_balancer_class: str = "one", namespace: str = "default") -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {namespace}
spec:
  type: LoadBalancer
  loadBalancerClass: {load_balancer_class}
"""


def secret(name: str, password: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{password: {password}}}\n"


def rename_into(path: Path, text: str) -> None:
    """Writes as editors and GitOps tools do: whole, then renamed."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)


def class_is(name: str, expected: str) -> Callable[[Reader], bool]:
    def claim(reader: Reader) -> bool:
        found = reader.objects.get((Kind.SERVICE, ObjectKey("default", name)))
        return isinstance(found, Service) and found.spec.load_balancer_class == expected

    return claim


def vips_are(name: str, *expected: str) -> Callable[[Reader], bool]:
    def claim(reader: Reader) -> bool:
        found = reader.objects.get((Kind.SERVICE, ObjectKey("default", name)))
        return isinstance(found, Service) and tuple(str(vip) for vip in found.vips) == expected

    return claim


@asynccontextmanager
async def living(source: DirectorySource) -> AsyncIterator[Reader]:
    """The source runs; ending it must not take long."""
    changes = Changes()
    running = asyncio.create_task(source.run(changes))
    try:
        yield Reader(changes)
    finally:
        assert not running.done() or running.exception() is None, running.exception()
        running.cancel()
        async with asyncio.timeout(1.0):
            with contextlib.suppress(asyncio.CancelledError):
                await running


@asynccontextmanager
async def synced(source: DirectorySource) -> AsyncIterator[Reader]:
    async with living(source) as reader:
        await reader.until(lambda r: Kind.SERVICE in r.synced)
        yield reader


async def eventually(claim: Callable[[], object], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.01)
