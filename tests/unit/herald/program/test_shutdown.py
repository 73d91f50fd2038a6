import asyncio
import os
import signal

import pytest

from herald.program.shutdown import shutdown_requested


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_sets_the_event_and_ends_nothing_by_itself(number: signal.Signals) -> None:
    with shutdown_requested() as requested:
        assert not requested.is_set()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(requested.wait(), 5)


async def test_afterwards_the_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with shutdown_requested():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
