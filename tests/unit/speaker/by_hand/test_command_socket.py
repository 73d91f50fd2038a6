"""Commands: who may give them, that they hold when they are answered, and what else their giver is told."""

import os
from pathlib import Path

import pytest

from speaker.by_hand.command_socket import Caller, obey
from speaker.by_hand.words import Reply
from tests.unit.speaker.by_hand.test_witness import BOTH, ONLY_DB, WEB, Node


def reply(this: Node, line: bytes, uid: int = 0) -> Reply:
    return obey(this.by_hand, this.core.cluster, line, Caller(pid=7, uid=uid))


def say(this: Node, line: bytes, uid: int = 0) -> str:
    return reply(this, line, uid).problem


def test_one_is_done_when_it_is_answered(tmp_path: Path) -> None:
    this = Node(tmp_path)
    assert say(this, b'{"type":"withdraw","about":"198.51.100.7","ttlS":60,"reason":"incident"}') == ""
    assert say(this, b'{"type":"list"}') == ""
    assert this.announced() == ONLY_DB
    assert say(this, b'{"type":"cancel","about":"198.51.100.7"}') == ""
    assert this.announced() == BOTH


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"type":"withdraw","about":"all"}',
        b'{"type":"withdraw","about":"all","ttlS":0}',
        b'{"type":"withdraw","about":"all","ttlS":86401}',
        b'{"type":"withdraw","about":"web","ttlS":60}',
        b'{"type":"cancel","about":"all"}',
        b'{"type":"restart"}',
        b"\xff",
    ],
)
def test_what_is_no_command_does_nothing_and_is_told(tmp_path: Path, line: bytes) -> None:
    this = Node(tmp_path)
    assert say(this, line) != ""
    assert this.announced() == BOTH


def test_nobody_else_may_order(tmp_path: Path) -> None:
    this = Node(tmp_path)
    stranger = os.geteuid() + 4711
    assert "only root" in say(this, b'{"type":"withdraw","about":"all","ttlS":60}', stranger)
    assert this.announced() == BOTH


def test_who_cannot_be_sure_of_a_restart_is_told_so(tmp_path: Path) -> None:
    this = Node(tmp_path / "gone")
    answer = reply(this, b'{"type":"withdraw","about":"all","ttlS":60}')
    assert (answer.problem, len(answer.orders)) == ("", 1)
    assert "restart" in answer.note


def test_a_vip_that_no_service_has_may_be_a_slip_and_is_told_so(tmp_path: Path) -> None:
    this = Node(tmp_path)
    notes = {
        about: reply(this, b'{"type":"withdraw","about":"%s","ttlS":60}' % about.encode()).note
        for about in (str(WEB), "all", "198.51.100.77")
    }
    assert [about for about, note in notes.items() if note] == ["198.51.100.77"]
    assert "no Service on this node has 198.51.100.77 now" in notes["198.51.100.77"]
