"""What a BGPNode says of its node, as far as drains have to know it."""

from datetime import UTC, datetime

from msgspec.structs import replace

from bgp_config.status.condition import Condition, ConditionStatus, ConditionType
from bgp_config.status.drain import Phase
from bgp_config.status.node import (
    LASTING_REASONS,
    PLAIN_REASONS,
    Announcement,
    BGPNodeStatus,
    Counts,
    Drain,
    ServiceNotNormal,
)
from controller.drain.speakers import voice_of
from herald.kube.objects import ObjectKey
from speaker.session import Established
from tests.builders import endpoint, endpoint_slice, ip, service
from tests.unit.speaker.test_status import CONFIG, Speaking

AT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
WEB = ObjectKey("shop", "web")


def ready(status: ConditionStatus) -> Condition:
    return Condition(type=ConditionType.READY, status=status, last_transition_time=AT, reason="Any", message="")


WELL = BGPNodeStatus(
    version="1",
    counts=Counts(announced=1, withheld=0, sessions=2, established=1),
    conditions=(ready(ConditionStatus.FALSE),),
)


def test_a_speaker_with_a_session_announces_also_if_another_one_is_down() -> None:
    found = voice_of(WELL)
    assert (found.announces, found.to_all_peers) == (True, False)
    assert voice_of(replace(WELL, conditions=(ready(ConditionStatus.TRUE),))).to_all_peers


def test_without_a_session_a_counter_or_a_sign_of_life_it_does_not() -> None:
    assert not voice_of(replace(WELL, counts=Counts(announced=1, withheld=0, sessions=2, established=0))).announces
    assert not voice_of(replace(WELL, counts=None)).announces
    assert not voice_of(replace(WELL, conditions=(ready(ConditionStatus.UNKNOWN),))).announces


def test_a_node_that_something_holds_back_as_a_whole_does_not_announce_normally() -> None:
    found = voice_of(replace(WELL, drain=Drain(reason="stale", since=AT)))
    assert (found.announces, found.drained, found.grants) == (False, False, frozenset())


def test_it_is_drained_by_its_own_word_about_the_grants_that_it_names() -> None:
    said = Drain(reason="draining", since=AT, phase=Phase.DRAINING, grants=("a@1",))
    found = voice_of(replace(WELL, drain=said))
    assert (found.drained, found.grants) == (False, frozenset({"a@1"}))
    assert voice_of(replace(WELL, drain=replace(said, phase=Phase.DRAINED))).drained


def test_services_that_it_does_not_announce_as_it_should_are_named() -> None:
    said = ServiceNotNormal(namespace="shop", name="web", reason="healthCheckFailed")
    assert voice_of(replace(WELL, services_not_normal=(said,))).not_normal == {WEB}


def word(reason: str, *vips: str, state: Announcement = Announcement.WITHDRAWN) -> ServiceNotNormal:
    return ServiceNotNormal(namespace="shop", name="web", reason=reason, state=state, vips=vips)


def test_its_vips_are_named_and_where_they_cannot_be_read_all_are_meant() -> None:
    known = replace(WELL, services_not_normal=(word("flapping", "198.51.100.1"), word("noPeer", "2001:db8::1")))
    assert voice_of(known).not_normal == {(WEB, ip("198.51.100.1")), (WEB, ip("2001:db8::1"))}
    assert voice_of(replace(WELL, services_not_normal=(word("noPeer", "198.51.100.1", "nonsense"),))).not_normal == {WEB}


def test_what_the_objects_tell_is_not_taken_from_its_older_word() -> None:
    for reason in PLAIN_REASONS:
        assert voice_of(replace(WELL, services_not_normal=(word(reason, "198.51.100.1"), word(reason)))).not_normal == set()


def withheld(said: ServiceNotNormal, sessions: ConditionStatus = ConditionStatus.TRUE) -> bool:
    status = replace(WELL, services_not_normal=(said,), conditions=(ready(sessions),))
    return voice_of(status).withheld == {(WEB, ip("198.51.100.1"))}


def test_a_vip_is_withheld_for_good_for_what_only_objects_can_change_and_with_all_sessions_up() -> None:
    for reason in LASTING_REASONS:
        assert withheld(word(reason, "198.51.100.1"))
        assert not withheld(word(reason))
        assert not withheld(word(reason, "198.51.100.1", state=Announcement.LEAST_PREFERRED))
        assert not withheld(word(reason, "198.51.100.1"), ConditionStatus.FALSE)
        assert not withheld(word(reason, "198.51.100.1"), ConditionStatus.UNKNOWN)
    for reason in (
        "withdrawnByHand",
        "healthCheckFailed",
        "flapping",
        "noPeer",
        "noEndpoint",
        "dataPathPending",
        "unheardOf",
    ):
        assert not withheld(word(reason, "198.51.100.1"))


def test_a_speaker_that_could_not_name_all_such_services_is_certain_of_none() -> None:
    sick = ServiceNotNormal(namespace="shop", name="web", reason="healthCheckFailed")
    assert not voice_of(replace(WELL, services_not_normal=(sick,), services_not_normal_total=2)).announces
    unserved = ServiceNotNormal(namespace="shop", name="api", reason="noEndpoint")
    assert voice_of(replace(WELL, services_not_normal=(sick, unserved), services_not_normal_total=9)).announces


def test_what_a_speaker_really_says_of_a_vip_that_an_older_service_holds_is_understood() -> None:
    older, younger = service("older", "198.51.100.7", created="2020-01-01T00:00:00Z"), service("web", "198.51.100.7")
    here = [endpoint("node1", "10.244.1.1")]
    speaking = Speaking(*CONFIG, older, endpoint_slice("older", here), younger, endpoint_slice("web", here))
    for spec in speaking.core.peering.sessions.values():
        speaking.apply(Established(spec, 1000.0))
    found = voice_of(speaking.node(1001.0))
    assert (found.announces, found.to_all_peers) == (True, True)
    assert found.not_normal == found.withheld == {(younger.key, ip("198.51.100.7"))}
