"""One controller at a time, and the next one at once when it dies."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from herald.kube.directory import ControllerLock
from tests.unit.herald.kube.directory.living import eventually

HOLDER = """
import asyncio, sys
from pathlib import Path
from herald.kube.directory import ControllerLock

async def hold():
    async with ControllerLock(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


def start_holder(state: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", HOLDER, str(state)], stdout=subprocess.PIPE)


async def test_a_second_controller_waits_until_the_first_leaves(tmp_path: Path) -> None:
    entered = asyncio.Event()

    async def second() -> None:
        async with ControllerLock(tmp_path):
            entered.set()

    async with asyncio.TaskGroup() as tasks:
        async with ControllerLock(tmp_path):
            tasks.create_task(second())
            await asyncio.sleep(0.3)
            assert not entered.is_set()
        async with asyncio.timeout(1.0):
            await entered.wait()


async def test_a_controller_that_was_killed_is_followed_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "herald.kube.directory")
    state = tmp_path / "state"
    with start_holder(state) as holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        lock = ControllerLock(state)
        waiting = asyncio.create_task(lock.__aenter__())
        await eventually(lambda: caplog.messages)
        assert f"standby: controller {holder.pid} on" in caplog.messages[0]
        holder.kill()
        async with asyncio.timeout(1.0):
            await waiting
    await lock.__aexit__(None, None, None)
    assert [message.split(" ")[0] for message in caplog.messages] == ["standby:", "active:", "released"]
    assert "took over" in caplog.messages[1]


async def test_a_lock_in_a_directory_that_was_made_anew_is_the_new_one(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with ControllerLock(state):
        state.rename(tmp_path / "old")
        async with asyncio.timeout(1.0), ControllerLock(state):
            assert (state / ".controller.lock").exists()


async def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    async with ControllerLock(tmp_path):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), ControllerLock(tmp_path):
                pass
    async with asyncio.timeout(1.0), ControllerLock(tmp_path):
        pass
