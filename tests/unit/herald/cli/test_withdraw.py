"""`herald withdraw` as it is run: against a speaker's socket, and with words that do not fit together."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from bgp_config.names import NodeName
from herald.cli.main import main
from speaker.by_hand.command_socket import taking_orders
from speaker.by_hand.order import Way, word
from speaker.by_hand.witness import ByHand
from speaker.by_hand.words import SOCKET
from speaker.cluster import Cluster
from speaker.state.file import Origin

VIP = "198.51.100.7"
NO_SERVICES = Cluster(NodeName("node1"))


async def run(*words: str) -> int:
    return await asyncio.to_thread(main, ["withdraw", "--local", *words])


def by_hand(directory: Path) -> ByHand:
    return ByHand(directory, Origin(node="node1", boot="b00t"), lambda: None)


async def test_an_order_holds_when_the_command_returns_and_is_listed_until_it_is_cancelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this, where = by_hand(tmp_path), ("--runtime-dir", str(tmp_path))
    async with taking_orders(this, NO_SERVICES):
        assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600
        assert await run(VIP, "--ttl", "15m", "--reason", "incident 42", *where) == 0
        assert [word(order.about) for order in this.in_force] == [VIP]
        assert "no Service on this node has" in capsys.readouterr().err
        assert await run("--all", "--ttl", "1h", *where) == 0
        capsys.readouterr()
        assert await run("--list", *where) == 0
        head, for_all, for_one = capsys.readouterr().out.splitlines()
        assert head.split() == ["WITHDRAWN", "UNTIL", "LEFT", "BY", "HOW", "REASON"]
        assert for_all.split()[0] == "all"
        assert for_one.split()[0] == VIP
        assert for_one.endswith("incident 42")
        assert f"uid {os.geteuid()}, pid {os.getpid()}" in for_one
        assert await run("--cancel", "--all", *where) == 0
        assert await run("--cancel", VIP, *where) == 0
        assert this.in_force == ()
        assert this.given[Way.COMMAND] == 2
    assert not (tmp_path / SOCKET).exists()


async def test_what_the_speaker_refuses_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with taking_orders(by_hand(tmp_path), NO_SERVICES):
        assert await run("--cancel", VIP, "--runtime-dir", str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("herald withdraw: nothing was ordered about")
    assert len(error.splitlines()) == 1


async def test_where_no_speaker_runs_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run("--list", "--runtime-dir", str(tmp_path)) == 1
    assert "no speaker takes orders" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([VIP], "--ttl is needed"),
        (["--all"], "--ttl is needed"),
        ([], "say one of"),
        (["--ttl", "15m"], "say one of"),
        ([VIP, "--all", "--ttl", "15m"], "say one of"),
        (["--list", VIP], "say one of"),
        (["--cancel"], "say one of"),
        ([VIP, "--ttl", "2d"], "no time such as"),
        ([VIP, "--ttl", "25h"], "from 1 s to 24 h"),
        (["web", "--ttl", "15m"], "'web' is no VIP such as"),
    ],
)
def test_words_that_do_not_fit_together_order_nothing(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["withdraw", "--local", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_it_is_always_about_this_node(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["withdraw", "--all", "--ttl", "15m"])
    assert "--local" in capsys.readouterr().err
