"""What is said of a node of a Drain: phases and their times, and the conditions that tell whether to go on waiting."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bgp_config.names import NodeName
from bgp_config.status.condition import ConditionType
from bgp_config.status.drain import DrainedNode, Phase, grant_of
from controller.config_state import Said
from controller.drain.announcers import Voice
from controller.drain.grants import Decision, Granted, Waits
from controller.drain.progress import PRESUMED_S, Hearing, conditions, progress
from controller.drain.reasons import WaitReason

T0 = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
NODE = NodeName("node1")
UID = "4711"
WAITS = Waits(WaitReason.MAX_CONCURRENT_DRAINS, "another node of the rack")
DRAIN_S = 30.0


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def said(
    decision: Decision, before: DrainedNode | None = None, at: float = 0.0, voice: Voice | None = None, *, heard: bool = True
) -> DrainedNode:
    voices = {NODE: voice} if voice else {}
    hearing = Hearing(voices=voices if heard else None, now=after(at))
    return progress(NODE, decision, before, UID, DRAIN_S, hearing)


def test_waiting_says_why_and_since_when_also_when_the_reason_changes() -> None:
    first = said(WAITS)
    assert (first.phase, first.reason, first.since, first.granted) == (Phase.WAITING, "maxConcurrentDrains", T0, None)
    later = said(Waits(WaitReason.LAST_ANNOUNCER, "nobody else"), first, 5)
    assert (later.reason, later.since) == ("lastAnnouncer", T0)


def test_the_reason_for_waiting_stays_while_a_new_leader_has_not_looked_yet() -> None:
    not_looked = Waits(WaitReason.NOT_LOOKED_YET, "looks")
    last = said(Waits(WaitReason.LAST_ANNOUNCER, "nobody else"))
    assert said(not_looked, last, 5) == last
    of_another_version = replace(last, reason="unheardOf")
    assert said(not_looked, of_another_version, 5).reason == said(not_looked).reason == "notLookedYet"
    assert said(not_looked, said(Granted()), 5).reason == "notLookedYet"


def test_a_grant_has_the_time_that_it_was_given_at_and_keeps_it() -> None:
    granted = said(Granted(), said(WAITS), 5)
    assert (granted.phase, granted.since, granted.granted) == (Phase.DRAINING, after(5), after(5))
    assert said(Granted(), granted, 60) == granted


def test_a_node_is_drained_when_its_speaker_says_so_of_this_very_grant() -> None:
    granted = said(Granted())
    of_an_earlier_one = Voice(announces=False, grants=frozenset({grant_of(UID, after(-60))}), drained=True)
    assert said(Granted(), granted, 40, of_an_earlier_one).phase is Phase.DRAINING
    of_this_one = Voice(announces=False, grants=frozenset({grant_of(UID, T0)}), drained=True)
    drained = said(Granted(), granted, 40, of_this_one)
    assert (drained.phase, drained.since, drained.granted) == (Phase.DRAINED, after(40), T0)
    assert said(Granted(), drained, 90) == drained, "a speaker that is silent changes nothing"


def test_a_speaker_that_drains_again_after_a_restart_is_believed() -> None:
    granted = said(Granted())
    grants = frozenset({grant_of(UID, T0)})
    drained = said(Granted(), granted, 40, Voice(announces=False, grants=grants, drained=True))
    again = said(Granted(), drained, 50, Voice(announces=False, grants=grants))
    assert (again.phase, again.granted) == (Phase.DRAINING, T0)


def test_where_speakers_cannot_be_heard_a_node_is_taken_to_be_drained_after_the_time() -> None:
    granted = said(Granted(), heard=False)
    assert said(Granted(), granted, DRAIN_S + PRESUMED_S - 1, heard=False).phase is Phase.DRAINING
    assert said(Granted(), granted, DRAIN_S + PRESUMED_S, heard=False).phase is Phase.DRAINED


def by_type(*nodes: DrainedNode, ended: bool = False) -> dict[ConditionType, Said]:
    return {each.type: each for each in conditions(nodes, ended=ended)}


def test_a_drain_is_ready_when_all_nodes_are_drained() -> None:
    drained = DrainedNode(node="node2", phase=Phase.DRAINED, since=T0, granted=T0)
    found = by_type(drained, said(Granted()))[ConditionType.READY]
    assert (found.holds, found.reason, found.message) == (False, "Draining", "1 of 2 nodes are drained")
    assert by_type(drained)[ConditionType.READY].holds


def test_a_drain_says_what_the_first_node_waits_for() -> None:
    found = by_type(said(WAITS), said(Granted()))[ConditionType.READY]
    assert (found.holds, found.reason) == (False, "Waiting")
    assert "node1 waits: another node of the rack" in found.message


def test_a_drain_is_stalled_where_only_a_person_can_help() -> None:
    assert not by_type(said(WAITS))[ConditionType.STALLED].holds
    found = by_type(said(Waits(WaitReason.LAST_ANNOUNCER, "nobody else")))[ConditionType.STALLED]
    assert (found.holds, found.reason, found.message) == (True, "lastAnnouncer", "node1: nobody else")


def test_a_drain_whose_time_is_over_has_no_effect_and_asks_for_nothing() -> None:
    found = by_type(ended=True)
    assert (found[ConditionType.READY].holds, found[ConditionType.READY].reason) == (True, "Ended")
    assert not found[ConditionType.STALLED].holds
