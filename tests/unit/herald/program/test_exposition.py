"""The text is the library's own, whatever its length, and the loop gets its turn while it is made."""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herald.program.exposition import PIECE, exposition
from herald.program.families import Distribution, counter, gauge, histogram

VIPS = gauge("many_vips", "One for each.", "vip")
SENT = counter("sent_total", "All.")
TOOK = histogram("took_seconds", "Time.", "part")


class Large(Collector):
    """Yields one family in pieces of its own when `apart`."""

    def __init__(self, size: int, apart: int) -> None:
        self.size, self.apart = size, apart

    def collect(self) -> Iterator[Metric]:
        yield SENT.of(3)
        for start in range(0, self.size, self.apart):
            yield VIPS.samples([((str(n),), n) for n in range(start, min(start + self.apart, self.size))])
        yield TOOK.distributions({("wire",): Distribution(bounds=(0.1, 1), counts=(2, 1, 1), total=3.5)})


def registry(size: int, apart: int) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Large(size, apart))
    return made


async def test_the_text_is_that_of_the_library() -> None:
    whole = registry(3 * PIECE + 7, apart=10**6)
    text = await exposition(whole)
    assert text == generate_latest(whole)
    assert text == await exposition(registry(3 * PIECE + 7, apart=50))
    assert b'took_seconds_bucket{le="1.0",part="wire"} 3.0' in text or b'took_seconds_bucket{le="1",part="wire"} 3.0' in text


async def test_others_get_their_turn_while_a_large_text_is_made() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await exposition(registry(20 * PIECE, apart=PIECE))
    task.cancel()
    assert turns >= 20
