"""What the elector makes of answers that are none. How it elects is shown on a real API server."""

import asyncio

from controller.elector import Elector
from controller.lease import Candidate, Terms
from herald.kube.objects import ObjectKey
from herald.lab.waiting import until
from tests.unit.herald.kube.api.server import Portal, running


async def work() -> None:
    raise AssertionError("nobody leads without a Lease")


async def test_an_answer_that_is_no_api_server_s_is_trouble_and_ends_nothing() -> None:
    elector = Elector(Portal(), ObjectKey("herald", "controller"), Candidate("one", Terms(1.0)))
    async with running(task := asyncio.create_task(elector.run(work, asyncio.Event()))):
        await until(lambda: task.done() or elector.trouble, 5)
        assert not task.done()
        assert not elector.is_leading
