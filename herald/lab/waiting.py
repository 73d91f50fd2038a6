"""Waiting for something that is not told, but can be seen: asked again and again until a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def until(look: Callable[[], Awaitable[T]], timeout_s: float, *, every_s: float = ...) -> T: ...
@overload
async def until(look: Callable[[], T], timeout_s: float, *, every_s: float = ...) -> T: ...
async def until(look: Callable[[], T | Awaitable[T]], timeout_s: float, *, every_s: float = 0.02) -> T:
    """What `look` returned as soon as that was true. TimeoutError if it never was in time, with the last thing seen."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        looked = look()
        seen: T = await looked if isawaitable(looked) else looked
        if seen:
            return seen
        if loop.time() > deadline:
            raise TimeoutError(f"not so within {timeout_s:g} s; seen last: {seen!r}")
        await asyncio.sleep(every_s)
