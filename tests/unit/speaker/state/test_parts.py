"""What each part remembers, a new one goes on with."""

import time

import msgspec
import pytest

from bgp_config.names import Family
from herald.kube.objects import Kind
from herald.kube.source import Change, Fresh, Stale
from herald.kube.staleness import Staleness
from speaker.admission import SILENCE_S
from speaker.core import Core
from speaker.evidence import Standing
from speaker.exabgp.pauses import Refusal, Refusals
from speaker.flaps import Flaps
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.leaving import Leaving
from speaker.reasons import Reason
from speaker.state.parts import Admitted, Flapping, LeavingSince, Overdue, Refused, SilentSince, StaleSince
from speaker.state.record import Part
from tests.builders import endpoint, endpoint_slice, ip
from tests.unit.speaker.test_admission import LIMIT_S, NORMAL, PENDING, SERVICE, SILENT, UNHEARD, Bench
from tests.unit.speaker.test_core import CONFIG, IS_UNREADY, NETWORK, SYNCED, WEB, core, one_service, pending, upsert
from tests.unit.speaker.test_flaps import DOWN, UP

ENDS = (ip("10.1.1.1"), ip("10.1.1.0"), 179)


def hand_on(old: Part, new: Part) -> None:
    assert old.name == new.name
    new.recall(msgspec.Raw(msgspec.json.encode(old.remember())))


def test_what_the_data_path_has_does_not_wait_again() -> None:
    first, second = (core([*CONFIG, *one_service("web", "198.51.100.7")], admitted=()) for _ in range(2))
    first.admit([WEB])
    first.step()
    assert pending(second) == [WEB]
    hand_on(Admitted(first), Admitted(second))
    second.step()
    assert pending(second) == []


def restarted(old: Bench) -> Bench:
    """What comes after it, before anything was listed."""
    new = Bench()
    new.core = Core(new.core.cluster.node_name, "herald-lb.io/bgp", admitted=())
    new.core.apply(map(upsert, CONFIG))
    new.core.learn(NETWORK)
    hand_on(Admitted(old.core), Admitted(new.core))
    hand_on(Overdue(old.admission, old.core), Overdue(new.admission, new.core))
    hand_on(SilentSince(old.admission.poll), SilentSince(new.admission.poll))
    return new


def overdue() -> Bench:
    bench = Bench()
    bench.at(100, *SERVICE)
    assert bench.at(100 + LIMIT_S) == UNHEARD
    return bench


async def test_what_went_out_without_word_is_the_last_resort_after_a_restart_too_until_the_data_path_has_it() -> None:
    bench = restarted(overdue())
    assert bench.at(110, *SERVICE, *SYNCED) == UNHEARD
    assert bench.at(200) == UNHEARD
    assert restarted(bench).at(210, *SERVICE, *SYNCED) == UNHEARD
    bench.data_path.has_all = True
    async with bench.asked():
        assert bench.at(220) == NORMAL
    assert restarted(bench).at(230, *SERVICE, *SYNCED) == NORMAL


@pytest.mark.parametrize("listed", [[], [*SERVICE, IS_UNREADY]])
async def test_what_went_out_without_word_and_ended_over_a_restart_waits_when_it_is_back(listed: list[Change]) -> None:
    bench = restarted(overdue())
    bench.turn(110, *listed, *SYNCED)
    assert bench.admission.gate.interest() is None
    assert bench.core.evidence.of(WEB) == Standing(*NORMAL)
    assert bench.at(111, *SERVICE) == PENDING


def test_what_turns_overdue_while_the_parts_are_told_waits_once_more() -> None:
    before, after = overdue(), Bench()
    hand_on(Overdue(before.admission, before.core), Overdue(after.admission, after.core))
    assert after.at(110, *SERVICE) == PENDING
    assert (list(after.admission.gate.waiting), list(after.admission.gate.overdue)) == ([WEB], [])


def test_what_is_overdue_has_to_be_proven_as_before() -> None:
    check = HealthCheck(ip("10.0.255.1"), 30123)
    whole = Wanted(since=9.0, family=Family.IPV4, service_changed=7.0, endpoints_changed=8.0, health_check=check)
    for wanted in (whole, Wanted(since=9.0, family=Family.IPV4)):
        first, second = Bench(), Bench()
        first.admission.recall(first.core, {WEB: wanted})
        hand_on(Overdue(first.admission, first.core), Overdue(second.admission, second.core))
        assert second.admission.gate.overdue == {WEB: wanted}


async def test_a_node_where_the_data_path_is_silent_is_the_last_resort_after_a_restart_too_until_it_answers() -> None:
    old = Bench()
    old.data_path.has_all, old.data_path.answers = True, False
    old.at(time.monotonic(), *SERVICE)
    async with old.asked():
        assert old.at(time.monotonic() + SILENCE_S) == SILENT
    new = restarted(old)
    new.data_path.answers = False
    assert new.at(time.monotonic() + SILENCE_S, *SERVICE, *SYNCED) == SILENT
    async with new.asked():
        assert new.at(time.monotonic() + SILENCE_S) == SILENT
    assert new.admission.poll.silent_since == old.admission.poll.silent_since is not None
    new.data_path.answers = True
    async with new.asked():
        assert new.at(time.monotonic() + SILENCE_S) == NORMAL


def test_a_vip_that_flaps_waits_on_after_a_restart_and_for_as_long() -> None:
    first = Flaps()
    for transitions in (UP, DOWN, UP, DOWN, UP, DOWN):
        held = first.note(transitions, 100.0)
    here, elsewhere = endpoint("node1", "10.244.0.1"), endpoint("node2", "10.244.0.2")
    service = one_service("web", "198.51.100.7")[0]
    objects = [*CONFIG, service, endpoint_slice("web", [here, elsewhere])]
    old, new = core(objects), core(objects)
    old.hold(held)
    second = Flaps()
    hand_on(Flapping(first, old), Flapping(second, new))
    new.apply([upsert(service)])
    new.step()
    assert new.decisions[WEB[0]].vips[0].reason is Reason.FLAPPING
    assert second.hold_down.hold_s(WEB, 100.0) == first.hold_down.hold_s(WEB, 100.0) == 2.0


@pytest.mark.parametrize("since", [None, 77.5])
def test_a_node_that_leaves_has_no_second_grace(since: float | None) -> None:
    leaving = Leaving()
    hand_on(LeavingSince(Leaving(since=since)), LeavingSince(leaving))
    assert leaving.since == since


def test_a_restart_makes_nothing_fresh() -> None:
    first, second = Staleness(), Staleness()
    first.heard([Stale(Kind.SERVICE, "away")], 5.0)
    hand_on(StaleSince(first), StaleSince(second))
    assert second.since == {}
    second.heard([Stale(Kind.SERVICE, "still away"), Stale(Kind.NODE, "away")], 50.0)
    assert second.since == {Kind.SERVICE: 5.0, Kind.NODE: 50.0}


def test_what_was_listed_after_a_restart_is_not_stale_since_before_it() -> None:
    second = Staleness()
    second.recall({Kind.SERVICE: 5.0})
    second.heard([Fresh(Kind.SERVICE)], 50.0)
    second.heard([Stale(Kind.SERVICE, "away")], 60.0)
    assert second.since == {Kind.SERVICE: 60.0}


def test_a_peer_that_refused_is_left_alone_as_long_as_it_would_have_been() -> None:
    first, second = Refusals(), Refusals()
    first.note(ENDS, Refusal(2, 160.0))
    hand_on(Refused(first), Refused(second))
    assert second.of(ENDS) == Refusal(2, 160.0)
