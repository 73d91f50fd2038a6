"""Of which VIPs a speaker says that they are not announced as they should be."""

from bgp_config.status.node import LASTING_REASONS, MAX_VIPS, PASSING_REASONS, Announcement
from herald.kube.objects import KubeObject
from speaker.evidence import Source, Standing
from speaker.not_normal import is_urgent, not_normal
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.transition import Transition
from tests.builders import endpoint, endpoint_slice, ip, pool_manifest, service
from tests.unit.speaker.test_status import CONFIG, Speaking

HERE = endpoint_slice("web", [endpoint("node1", "10.244.1.1")])
BOTH = service("web", "198.51.100.7", "2001:db8::7")
SIX = pool_manifest("six", "2001:db8::/64")


def said(*things: KubeObject, sick: str = "") -> list[tuple[str, Announcement, tuple[str, ...]]]:
    speaking = Speaking(*CONFIG, *things)
    if sick:
        doubt = Standing(RouteState.LAST_RESORT, Reason.HEALTH_CHECK_FAILED)
        speaking.core.doubt(Source.HEALTH, ip(sick), doubt)
        speaking.core.step()
    words, total = not_normal(speaking.core)
    assert total == len(words)
    return [(each.reason, each.state, each.vips) for each in words]


def test_a_vip_of_a_family_that_no_peer_takes_is_named_and_the_other_is_not() -> None:
    assert said(BOTH, HERE, SIX) == [("noPeer", Announcement.WITHDRAWN, ("2001:db8::7",))]


def test_a_service_is_named_once_for_each_reason_that_its_vips_have() -> None:
    assert said(BOTH, HERE, SIX, sick="198.51.100.7") == [
        ("healthCheckFailed", Announcement.LEAST_PREFERRED, ("198.51.100.7",)),
        ("noPeer", Announcement.WITHDRAWN, ("2001:db8::7",)),
    ]
    assert said(service("web", "203.0.113.1", "203.0.113.2"), HERE) == [
        ("notInPool", Announcement.WITHDRAWN, ("203.0.113.1", "203.0.113.2"))
    ]


def test_of_more_vips_than_can_be_named_none_is() -> None:
    many = [f"203.0.113.{number}" for number in range(MAX_VIPS + 1)]
    assert said(service("web", *many), HERE) == [("notInPool", Announcement.WITHDRAWN, ())]


def test_others_must_hear_soon_of_a_vip_but_not_of_a_service_without_one() -> None:
    def urgent(vip: str | None, reason: Reason | None) -> bool:
        state = RouteState.WITHDRAWN
        return is_urgent(Transition(service=BOTH.key, vip=ip(vip) if vip else None, state=state, reason=reason))

    assert urgent("198.51.100.7", Reason.HEALTH_CHECK_FAILED)
    assert not urgent("198.51.100.7", Reason.DATA_PATH_PENDING)
    assert not urgent("198.51.100.7", None)
    assert not urgent(None, Reason.NOT_ASSIGNED)
    assert not urgent(None, Reason.OTHER_CLASS)


def test_the_reasons_that_the_controller_tells_apart_are_the_speakers() -> None:
    assert set(Reason) >= LASTING_REASONS | PASSING_REASONS
