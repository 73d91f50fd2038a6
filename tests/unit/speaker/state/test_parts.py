"""What each part remembers, a new one goes on with."""

import msgspec
import pytest

from herald.kube.objects import Kind
from herald.kube.source import Fresh, Stale
from herald.kube.staleness import Staleness
from speaker.exabgp.pauses import Refusal, Refusals
from speaker.flaps import Flaps
from speaker.leaving import Leaving
from speaker.reasons import Reason
from speaker.state.parts import Admitted, Flapping, LeavingSince, Refused, StaleSince
from speaker.state.record import Part
from tests.builders import endpoint, endpoint_slice, ip
from tests.unit.speaker.test_core import CONFIG, WEB, core, one_service, pending, upsert
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
