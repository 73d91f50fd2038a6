import asyncio

from controller.workqueue import WorkQueue
from tests.unit.controller.build import key

A, B = key("a"), key("b")


async def test_keys_come_in_order_and_once_however_often_they_are_added() -> None:
    queue = WorkQueue()
    for each in (A, B, A):
        queue.add(each)
    assert [await queue.get(), await queue.get()] == [A, B]
    queue.add(A)
    assert await queue.get() == A


async def test_a_delayed_key_comes_later_and_an_add_makes_it_come_at_once() -> None:
    queue = WorkQueue()
    queue.add_after(A, 0.02)
    queue.add_after(B, 3600)
    queue.add(B)
    assert [await queue.get(), await asyncio.wait_for(queue.get(), 5)] == [B, A]


async def test_closed_it_gives_nothing_to_anyone() -> None:
    queue = WorkQueue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.add_after(A, 0.001)
    queue.close()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [None, None, None]
    assert await queue.get() is None
