"""A program that does nothing but hold what the API source says: what that costs. Prints one line of JSON.

Usage: python -m tests.kube.scale_reader KUBECONFIG
"""

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from herald.kube.api import ApiClient, ApiSource, KubeconfigFile
from herald.kube.objects import Kind
from herald.kube.source import Changes
from tests.contract.reader import Reader

KINDS = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE})


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def measure(kubeconfig: Path) -> dict[str, float]:
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        await client.get("/version")
        gc.collect()
        before, began = resident_mb(), time.monotonic()
        changes = Changes()
        running = asyncio.create_task(ApiSource(client, KINDS).run(changes))
        reader = Reader(changes)
        await reader.until(lambda r: r.synced == KINDS, within_s=120)
        took_s = time.monotonic() - began
        reader.words.clear()
        gc.collect()
        after = resident_mb()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        services = sum(kind is Kind.SERVICE for kind, _ in reader.objects)
        return {
            "services": services,
            "slices": len(reader.objects) - services,
            "seconds": round(took_s, 2),
            "before_mb": round(before, 1),
            "grown_mb": round(after - before, 1),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure(Path(sys.argv[1])))))
