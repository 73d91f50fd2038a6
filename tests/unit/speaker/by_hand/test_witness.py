"""Orders as evidence: withdrawn at once and until their end, also after a restart of the speaker; all of it in the log."""

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bgp_config.names import NodeName
from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Synced, Upsert
from speaker import evidence
from speaker.by_hand.order import About, Order, Way
from speaker.by_hand.switch import Switch
from speaker.by_hand.witness import ByHand
from speaker.core import Core
from speaker.peering import NodeNetwork, Source
from speaker.reasons import Reason
from speaker.state.file import Origin
from tests.builders import (
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    ip,
    node,
    peer_manifest,
    pool_manifest,
    service,
)

WEB, DB = ip("198.51.100.7"), ip("198.51.100.8")
BOOT = Origin(node="node1", boot="b00t")


def objects() -> Iterable[tuple[Kind, KubeObject]]:
    yield Kind.NODE, node()
    yield Kind.ADDRESS_POOL, pool_manifest()
    yield Kind.BGP_PEER, peer_manifest()
    yield Kind.BGP_ADVERTISEMENT, advertisement_manifest()
    for name, vip in (("web", WEB), ("db", DB)):
        yield Kind.SERVICE, service(name, str(vip))
        yield Kind.ENDPOINT_SLICE, endpoint_slice(name, [endpoint("node1", "10.244.1.1")])


class ListeningCore(Core):
    """Notes whether it was told anything of the node."""

    was_told = False

    def stand(self, source: evidence.Source, standing: evidence.Standing | None) -> None:
        self.was_told = True
        super().stand(source, standing)


class Node:
    """A core that announces two VIPs, and the witness in the runtime directory of its speaker."""

    def __init__(self, directory: Path, origin: Origin = BOOT) -> None:
        self.core = ListeningCore(NodeName("node1"), "herald-lb.io/bgp")
        self.core.apply([Upsert(kind, thing.key, thing) for kind, thing in objects()])
        self.core.apply([Synced(kind) for kind in Kind])
        self.core.learn(NodeNetwork(sources={ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True)}))
        self.woken = 0
        self.by_hand = ByHand(directory, origin, self._wake)
        self.by_hand.recall()
        self.switch = Switch(self.by_hand)
        self.file = directory / "withdraw"

    def _wake(self) -> None:
        self.woken += 1

    def give(self, about: About, until: float) -> None:
        order = Order.now(about, 60, Way.COMMAND, "uid 0, pid 7", "incident")
        self.by_hand.give(replace(order, until=until))

    def testifies(self, now: float) -> bool:
        """Whether it says something to the core."""
        self.core.was_told = False
        self.by_hand.testify(self.core, now)
        return self.core.was_told

    def announced(self, now: float | None = None) -> set[str]:
        self.by_hand.testify(self.core, time.monotonic() if now is None else now)
        self.core.step()
        vips = [vip for decision in self.core.decisions.values() for vip in decision.vips]
        assert {vip.reason for vip in vips if not vip.state.is_announced} <= {Reason.WITHDRAWN_BY_HAND}
        return {str(vip.vip) for vip in vips if vip.state.is_announced}


BOTH, ONLY_DB = {str(WEB), str(DB)}, {str(DB)}


def test_a_vip_is_withdrawn_until_the_end_of_the_order(tmp_path: Path) -> None:
    this = Node(tmp_path)
    assert this.announced(0) == BOTH
    this.give(WEB, until=10)
    assert this.woken == 1
    assert [this.announced(now) for now in (0, 9.9, 10)] == [ONLY_DB, ONLY_DB, BOTH]


def test_all_is_what_the_node_announces_and_what_comes_later(tmp_path: Path) -> None:
    this = Node(tmp_path)
    this.give(None, until=10)
    assert this.announced(0) == set()
    this.core.apply([Upsert(Kind.SERVICE, ObjectKey("default", "new"), service("new", "198.51.100.9"))])
    new_slice = endpoint_slice("new", [endpoint("node1", "10.244.1.1")])
    this.core.apply([Upsert(Kind.ENDPOINT_SLICE, new_slice.key, new_slice)])
    assert this.announced(1) == set()
    assert this.announced(10) == {*BOTH, "198.51.100.9"}


def test_a_vip_stays_withdrawn_when_all_is_over_and_the_other_way_round(tmp_path: Path) -> None:
    this = Node(tmp_path)
    this.give(None, until=10)
    this.give(WEB, until=20)
    assert [this.announced(now) for now in (0, 10, 20)] == [set(), ONLY_DB, BOTH]


def test_a_switch_file_of_too_many_vips_withdraws_all_if_it_says_so(tmp_path: Path) -> None:
    this = Node(tmp_path)
    this.file.write_text("\n".join([*(f"10.0.{n // 250}.{n % 250}" for n in range(1100)), "all"]))
    this.switch.look()
    assert this.announced() == set()


def test_evidence_is_given_when_it_changes_and_not_each_turn(tmp_path: Path) -> None:
    this = Node(tmp_path)
    given = []
    for change in (lambda: None, lambda: this.give(WEB, until=10), lambda: this.by_hand.cancel(WEB, "uid 0")):
        change()
        given.append([this.testifies(now) for now in (1, 2)])
    this.give(WEB, until=10)
    given.append([this.testifies(now) for now in (9, 10, 11)])
    assert given == [[True, False], [True, False], [True, False], [True, True, False]]


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    this = Node(tmp_path)
    this.give(WEB, until=10)
    assert this.announced(0) == ONLY_DB
    assert this.by_hand.cancel(WEB, "uid 0, pid 8")
    assert this.announced(1) == BOTH
    assert not this.by_hand.cancel(WEB, "uid 0, pid 8")


def test_a_restarted_speaker_goes_on_with_it_until_the_same_end(tmp_path: Path) -> None:
    Node(tmp_path).give(WEB, until=10)
    after = Node(tmp_path)
    assert [after.announced(now) for now in (5, 10)] == [ONLY_DB, BOTH]


def test_what_was_ordered_on_another_boot_counts_for_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Node(tmp_path).give(WEB, until=10)
    assert Node(tmp_path, Origin(node="node1", boot="another")).announced(5) == BOTH
    assert "what was withdrawn by hand is not known any more" in caplog.text


def test_what_cannot_be_kept_holds_all_the_same(tmp_path: Path) -> None:
    this = Node(tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        this.give(WEB, until=10)
    assert this.announced(5) == ONLY_DB


def test_the_log_tells_who_what_until_when_and_how_it_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    this = Node(tmp_path)
    now = time.monotonic()
    this.give(WEB, until=now + 60)
    this.give(None, until=now + 1)
    this.by_hand.cancel(WEB, "uid 0, pid 8")
    this.announced(now + 1)
    told = [(record.getMessage(), record.fields["about"]) for record in caplog.records]  # type: ignore[attr-defined]
    assert told == [
        ("withdrawn by hand", str(WEB)),
        ("withdrawn by hand", "all"),
        ("a withdrawal by hand is cancelled", str(WEB)),
        ("a withdrawal by hand is over", "all"),
    ]
    assert all(record.levelno >= logging.WARNING for record in caplog.records)
    first, _, cancelled, _ = (record.fields for record in caplog.records)  # type: ignore[attr-defined]
    assert (first["who"], first["reason"], first["way"]) == ("uid 0, pid 7", "incident", "command")
    assert first["until"].endswith("+00:00")
    assert cancelled["by"] == "uid 0, pid 8"


def test_the_bgp_node_tells_each_order_its_end_and_its_giver(tmp_path: Path) -> None:
    this = Node(tmp_path)
    this.give(WEB, until=10)
    ((about, reason, message),) = this.by_hand.errors()
    assert (about, reason) == (f"VIP/{WEB}", "withdrawnByHand")
    assert message.endswith("Z by uid 0, pid 7, by command: incident")


class TestSwitchFile:
    def test_it_withdraws_what_it_names_until_it_is_gone(self, tmp_path: Path) -> None:
        this = Node(tmp_path)
        this.file.write_text(f"{WEB} 15m\n")
        this.switch.look()
        assert this.announced() == ONLY_DB
        this.file.unlink()
        this.switch.look()
        assert this.announced() == BOTH

    def test_a_line_that_is_taken_away_ends_it(self, tmp_path: Path) -> None:
        this = Node(tmp_path)
        this.file.write_text(f"{WEB}\nall\n")
        this.switch.look()
        assert this.announced() == set()
        this.file.write_text(f"{WEB} # only this\n")
        this.switch.look()
        assert this.announced() == ONLY_DB

    def test_its_time_is_over_though_the_file_is_still_there_and_begins_anew_when_it_is_written(
        self, tmp_path: Path
    ) -> None:
        this = Node(tmp_path)
        this.file.write_text("all 1m\n")
        this.switch.look()
        later = time.monotonic() + 61
        assert this.announced(later) == BOTH
        this.switch.look()
        assert this.announced() == BOTH
        os.utime(this.file)
        this.switch.look()
        assert this.announced() == set()

    def test_a_restarted_speaker_does_not_let_its_time_begin_anew(self, tmp_path: Path) -> None:
        before = Node(tmp_path)
        before.file.write_text("all 1m\n")
        before.switch.look()
        (order,) = before.by_hand.in_force
        after = Node(tmp_path)
        after.switch.look()
        assert after.by_hand.in_force == (order,)

    def test_a_command_does_not_end_what_the_file_says_nor_the_file_what_was_commanded(self, tmp_path: Path) -> None:
        this = Node(tmp_path)
        this.give(WEB, until=time.monotonic() + 60)
        this.file.write_text(f"{WEB}\n")
        this.switch.look()
        assert this.by_hand.cancel(WEB, "uid 0")
        assert this.announced() == ONLY_DB
        this.give(WEB, until=time.monotonic() + 60)
        this.file.unlink()
        this.switch.look()
        assert this.announced() == ONLY_DB

    @pytest.mark.parametrize("mode", [0o660, 0o606])
    def test_one_that_others_can_write_is_not_obeyed_and_changes_nothing(
        self, tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        this = Node(tmp_path)
        this.file.write_text("all\n")
        this.file.chmod(mode)
        this.switch.look()
        this.switch.look()
        assert this.announced() == BOTH
        assert caplog.text.count("is not obeyed") == 1

    def test_a_line_that_says_nothing_is_in_the_log_with_what_to_write_instead(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        this = Node(tmp_path)
        this.file.write_text(f"web\n{WEB}\n")
        this.switch.look()
        assert this.announced() == ONLY_DB
        (said,) = (record.fields for record in caplog.records if record.levelno == logging.ERROR)  # type: ignore[attr-defined]
        assert said["why"].startswith("line 1: 'web'")
        assert said["remedy"].startswith("write a VIP or all")

    def test_what_is_no_file_of_text_is_not_obeyed(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        this = Node(tmp_path)
        (tmp_path / "elsewhere").write_text("all\n")
        this.file.symlink_to(tmp_path / "elsewhere")
        this.switch.look()
        this.file.unlink()
        this.file.write_bytes(b"all \xff\n")
        this.switch.look()
        this.file.write_text("all\n" * 20000)
        this.switch.look()
        assert this.announced() == BOTH
        assert caplog.text.count("is not obeyed") == 3
