"""SIGTERM and SIGINT ask for an orderly end: they set an event, and whoever runs the program ends it in its own order."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def shutdown_requested() -> Iterator[asyncio.Event]:
    """The event that these signals set, while the context lasts. To be entered in the main thread, in a running loop."""
    loop = asyncio.get_running_loop()
    requested = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, requested.set)
    try:
        yield requested
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
