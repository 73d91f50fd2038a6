"""What BGPNode and BGPSession objects say of a speaker's state."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from bgp_config.names import NodeName, PeerName, host_prefix
from bgp_config.status.condition import ConditionStatus
from bgp_config.status.node import MAX_SERVICES, PLAIN_REASONS, Announcement, BGPNodeStatus, DataPathState
from bgp_config.status.session import BFDState, BGPSessionStatus, State
from herald.kube.objects import EXCLUDE_LABEL, Kind, KubeObject
from herald.kube.source import Change, Stale, Synced, Upsert
from speaker import evidence
from speaker.bfd.packet import State as Link
from speaker.bfd.policy import Standing, Verdict
from speaker.bfd.report import Account, BfdReport
from speaker.core import Core
from speaker.peering import NodeNetwork, Source
from speaker.reasons import PeerReason, Reason
from speaker.route import PathAttributes, RouteState
from speaker.session import Closed, Established, Programmed, SessionEvent
from speaker.statement import DataPathReport, Statement
from speaker.status import Moment, Since, config_hash, node_status, session_statuses, state_of
from speaker.table import SessionTable
from tests.builders import (
    UNREADY,
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    ip,
    node,
    peer_manifest,
    pool_manifest,
    service,
)
from tests.unit.speaker.bfd.build import UP

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NETWORK = NodeNetwork(sources={ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True)})
CONFIG: tuple[KubeObject, ...] = (node(), pool_manifest(), peer_manifest(), advertisement_manifest())
WEB: tuple[KubeObject, ...] = (service("web", "198.51.100.7"), endpoint_slice("web", [endpoint("node1", "10.244.1.1")]))
NO_GATE = DataPathReport(kind="none")


class Speaking:
    """A speaker's state without its program. Its monotonic clock shows 1000 at START."""

    def __init__(self, *things: KubeObject) -> None:
        self.core, self.table, self.since = Core(NodeName("node1"), "herald-lb.io/bgp"), SessionTable(), Since()
        self.bfd = BfdReport()
        self.stale_since: float | None = None
        self.core.learn(NETWORK)
        self.tell(things, [Synced(kind) for kind in Kind])

    def tell(self, things: Iterable[KubeObject] = (), words: Iterable[Change] = ()) -> None:
        kinds = [(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing) for thing in things]
        self.core.apply([*(Upsert(kind, thing.key, thing) for kind, thing in kinds), *words])
        self.core.step()

    def apply(self, event: SessionEvent) -> None:
        self.table.apply(event)

    def node(self, at: float = 1000.0, data_path: DataPathReport = NO_GATE) -> BGPNodeStatus:
        told = Statement(data_path=data_path, bfd=self.bfd, stale_since=self.stale_since)
        return node_status(self.core, self.table, told, self.since, moment(at))

    def sessions(self, at: float = 1000.0) -> dict[str, BGPSessionStatus]:
        return session_statuses(self.core, self.table, self.bfd, self.since, moment(at))


def moment(at: float) -> Moment:
    return Moment(monotonic=at, utc=START + timedelta(seconds=at - 1000))


def test_a_session_is_down_until_it_is_established_and_tells_since_when_and_how_many_prefixes() -> None:
    speaking = Speaking(*CONFIG, *WEB)
    found = speaking.sessions()["node1.tor1"]
    assert (found.state, found.prefixes, found.local_address, found.peer_asn) == (State.DOWN, 0, "10.1.1.1", 65001)
    spec = speaking.core.peering.sessions[PeerName("tor1")]
    speaking.apply(Established(spec, 1005.0))
    speaking.apply(Programmed(spec, 1006.0, host_prefix(ip("198.51.100.7")), PathAttributes(next_hop=ip("10.1.1.1"))))
    found = speaking.sessions(1010.0)["node1.tor1"]
    assert (found.state, found.prefixes, found.since) == (State.ESTABLISHED, 1, START + timedelta(seconds=5))


def test_a_session_that_ended_says_why_and_keeps_saying_it_when_it_is_back() -> None:
    speaking = Speaking(*CONFIG)
    spec = speaking.core.peering.sessions[PeerName("tor1")]
    for event in (Established(spec, 1001.0), Closed(spec, 1002.0, "x" * 5000), Established(spec, 1003.0)):
        speaking.apply(event)
    found = speaking.sessions(1004.0)["node1.tor1"]
    assert found.state is State.ESTABLISHED
    assert found.last_error is not None
    assert found.last_error.at == START + timedelta(seconds=2)
    assert len(found.last_error.text) == 1024


def test_the_same_state_renders_the_same_at_any_time() -> None:
    speaking = Speaking(*CONFIG, *WEB, peer_manifest("tor2", "10.2.1.0"))
    spec = speaking.core.peering.sessions[PeerName("tor1")]
    speaking.apply(Established(spec, 1000.3))
    speaking.apply(Closed(spec, 1000.6, "gone"))
    renderings = [(speaking.node(at), speaking.sessions(at)) for at in (1001.0, 1001.9, 1500.0)]
    assert renderings[0] == renderings[1] == renderings[2]


def test_a_peer_without_a_session_is_down_and_an_error_of_the_node_with_its_remedy() -> None:
    speaking = Speaking(*CONFIG, peer_manifest("tor2", "10.2.1.0"))
    found = speaking.sessions()["node1.tor2"]
    assert (found.state, found.local_address) == (State.DOWN, None)
    assert found.last_error is not None
    assert found.last_error.text == PeerReason.NO_SOURCE_ADDRESS.remedy
    assert [(e.about, e.reason) for e in speaking.node().errors] == [("BGPPeer/tor2", "noSourceAddress")]


def test_what_is_beyond_a_limit_and_advertisements_that_disagree_are_errors_of_the_node() -> None:
    here = [endpoint("node1", "10.244.1.1")]
    two: list[KubeObject] = [
        service("a", "198.51.100.1"),
        endpoint_slice("a", here),
        service("b", "198.51.100.2"),
        endpoint_slice("b", here),
    ]
    disagreeing = [advertisement_manifest("x", med=1), advertisement_manifest("y", med=2)]
    status = Speaking(node(), pool_manifest(), peer_manifest(maxPrefixes=1), *disagreeing, *two).node()
    assert {(e.about, e.reason) for e in status.errors} == {
        ("BGPPeer/tor1", "prefixLimit"),
        ("BGPAdvertisement/x", "advertisementsDisagree"),
    }
    assert any("x, y disagree about med" in e.message for e in status.errors)


def test_a_service_that_only_some_peers_have_a_place_for_is_partly_announced() -> None:
    one: list[KubeObject] = [service("a", "198.51.100.1"), endpoint_slice("a", [endpoint("node1", "10.244.1.1")])]
    older = service("older", "198.51.100.2", created="2020-01-01T00:00:00Z")
    peers = [peer_manifest(maxPrefixes=1), peer_manifest("tor2", "10.2.1.0")]
    speaking = Speaking(node(), pool_manifest(), *peers, advertisement_manifest(), older, *one)
    speaking.core.learn(NodeNetwork(sources={**NETWORK.sources, ip("10.2.1.0"): Source(ip("10.2.1.1"), on_link=True)}))
    speaking.core.step()
    (said,) = [each for each in speaking.node().services_not_normal if each.name == "a"]
    assert (said.reason, said.state) == ("prefixLimitSomewhere", Announcement.PARTLY)


def test_a_refused_object_and_a_stale_kind_are_errors_and_stale_has_a_time() -> None:
    speaking = Speaking(*CONFIG)
    speaking.tell([pool_manifest("default", "no address"), pool_manifest("other", "nor this")])
    speaking.tell(words=[Stale(Kind.SERVICE, "no answer")])
    speaking.stale_since = 400.0
    status = speaking.node(1003.0)
    assert {(e.about, e.reason) for e in status.errors} == {
        ("AddressPool/default", "inForceLastGood"),
        ("AddressPool/other", "inForceNothing"),
        ("Service", "stale"),
    }
    assert status.config is not None
    assert status.config.refused == 2
    assert status.stale_since == START - timedelta(seconds=600), "as the speaker before this one said"


def test_ready_says_what_is_missing() -> None:
    speaking = Speaking(*CONFIG)
    down = speaking.node().conditions[0]
    assert (down.type, down.status, down.reason) == ("Ready", ConditionStatus.FALSE, "SessionsDown")
    speaking.apply(Established(speaking.core.peering.sessions[PeerName("tor1")], 1001.0))
    assert speaking.node(1002.0).conditions[0].status is ConditionStatus.TRUE
    fresh = Core(NodeName("node1"), "herald-lb.io/bgp")
    unsynced = node_status(fresh, SessionTable(), Statement(data_path=NO_GATE), Since(), moment(1000.0)).conditions[0]
    assert (unsynced.status, unsynced.reason) == (ConditionStatus.FALSE, "NotSynced")


def test_a_node_that_announces_nothing_says_why_once_and_not_for_every_service() -> None:
    speaking = Speaking(*CONFIG, *WEB, node(labels={EXCLUDE_LABEL: ""}))
    status = speaking.node()
    assert status.drain is not None
    assert status.drain.reason == Reason.NODE_EXCLUDED
    assert status.services_not_normal_total == 0
    assert status.counts is not None
    assert (status.counts.announced, status.counts.withheld) == (0, 1)


def test_services_that_are_not_as_they_should_be_are_listed_up_to_a_bound_and_counted() -> None:
    unready = [endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)])]
    assert Speaking(*CONFIG, service("web", "198.51.100.7"), *unready).node().services_not_normal[0].reason == "noEndpoint"
    elsewhere = endpoint_slice("web", [endpoint("node2", "10.244.1.1")])
    assert Speaking(*CONFIG, service("web", "198.51.100.7"), elsewhere).node().services_not_normal == ()
    many = [service(f"web-{number}", "203.0.113.1") for number in range(MAX_SERVICES + 9)]
    status = Speaking(*CONFIG, *many).node()
    assert (len(status.services_not_normal), status.services_not_normal_total) == (MAX_SERVICES, MAX_SERVICES + 9)


def test_of_many_services_those_are_named_first_whose_trouble_only_the_node_knows() -> None:
    assert set(Reason) >= PLAIN_REASONS
    unserved = [service(f"a-{number:02}", f"198.51.100.{100 + number}") for number in range(MAX_SERVICES)]
    speaking = Speaking(*CONFIG, *WEB, *unserved)
    sick = evidence.Standing(RouteState.WITHDRAWN, Reason.HEALTH_CHECK_FAILED)
    speaking.core.doubt(evidence.Source.HEALTH, ip("198.51.100.7"), sick)
    speaking.core.step()
    status = speaking.node()
    assert status.services_not_normal_total == MAX_SERVICES + 1
    assert [each.reason for each in status.services_not_normal][:2] == ["healthCheckFailed", "noEndpoint"]


def test_what_passes_pushes_out_nothing_that_others_must_hear() -> None:
    waiting, *sick = sorted(f"198.51.100.{100 + number}" for number in range(MAX_SERVICES + 1))
    here = [endpoint("node1", "10.244.1.1")]
    speaking = Speaking(*CONFIG)
    for vip in (waiting, *sick):
        name = f"a-{vip.rpartition('.')[2]}"
        speaking.tell([service(name, vip), endpoint_slice(name, here)])
        reason = Reason.DATA_PATH_PENDING if vip == waiting else Reason.HEALTH_CHECK_FAILED
        speaking.core.doubt(evidence.Source.HEALTH, ip(vip), evidence.Standing(RouteState.WITHDRAWN, reason))
    speaking.core.step()
    status = speaking.node()
    assert status.services_not_normal_total == MAX_SERVICES + 1
    assert {each.reason for each in status.services_not_normal} == {"healthCheckFailed"}


def test_the_data_path_says_what_it_is_and_how_it_is() -> None:
    speaking = Speaking(*CONFIG)
    reports = {
        DataPathReport(kind="none"): DataPathState.NOT_CHECKED,
        DataPathReport(kind="kube-proxy"): DataPathState.UNKNOWN,
        DataPathReport(kind="kube-proxy", answers=True, last_sync=START): DataPathState.HEALTHY,
        DataPathReport(kind="kube-proxy", answers=False, timeouts=3): DataPathState.UNHEALTHY,
    }
    for report, state in reports.items():
        found = speaking.node(data_path=report).data_path
        assert found is not None
        assert (found.state, found.timeouts, found.last_sync) == (state, report.timeouts, report.last_sync)


def test_equal_configurations_have_one_hash_whatever_the_order_and_others_another() -> None:
    parts: list[KubeObject] = [
        *CONFIG,
        peer_manifest("tor2", "10.2.1.0"),
        advertisement_manifest("x", communities=["1:2", "3:4"]),
    ]
    one, other = Speaking(*parts), Speaking(*reversed(parts))
    assert config_hash(one.core.cluster.config) == config_hash(other.core.cluster.config)
    other.tell([peer_manifest("tor2", "10.2.1.0", holdTimeSeconds=30)])
    assert config_hash(one.core.cluster.config) != config_hash(other.core.cluster.config)


def test_counts_are_no_state() -> None:
    speaking = Speaking(*CONFIG, *WEB)
    before, sessions_before = speaking.node(), speaking.sessions()
    speaking.tell([endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)])])
    after = speaking.node()
    assert before != after
    assert state_of(before) == state_of(after)
    assert state_of(msgspec.structs.replace(sessions_before["node1.tor1"], prefixes=9)) == state_of(
        sessions_before["node1.tor1"]
    )


def bfd_down() -> BfdReport:
    silent = replace(UP, state=Link.DOWN, diag=1, since=990.0)
    account = Account(verdict=Verdict(standing=Standing.DOWN), status=silent, changes=1)
    return BfdReport(peers={PeerName("tor1"): account})


def test_a_session_that_bfd_keeps_from_its_routes_says_so_here_and_on_the_node() -> None:
    speaking = Speaking(*CONFIG)
    assert speaking.sessions()["node1.tor1"].bfd is None
    speaking.bfd = bfd_down()
    said = speaking.sessions()["node1.tor1"].bfd
    assert said is not None
    assert (said.state, said.diagnostic, said.reason) == (BFDState.DOWN, "DetectionTimeExpired", "bfdDown")
    assert (said.since, said.detection_time_milliseconds) == (START - timedelta(seconds=10), 300)
    assert ("BGPPeer/tor1", "bfdDown") in [(error.about, error.reason) for error in speaking.node().errors]


def test_a_bfd_program_that_is_missed_is_an_error_of_the_node() -> None:
    speaking = Speaking(*CONFIG)
    unheard = Account(verdict=Verdict(standing=Standing.UNKNOWN), status=None, changes=0)
    speaking.bfd = BfdReport(peers={PeerName("tor1"): unheard}, program_missing=True)
    assert [error.reason for error in speaking.node().errors] == ["bfdProgramMissing"]
    said = speaking.sessions()["node1.tor1"].bfd
    assert said is not None
    assert (said.state, said.since) == (BFDState.UNKNOWN, None)


def test_a_service_that_is_least_preferred_is_told_from_one_that_is_withdrawn() -> None:
    speaking = Speaking(*CONFIG, *WEB)
    told = []
    for state in (RouteState.LAST_RESORT, RouteState.WITHDRAWN):
        doubt = evidence.Standing(state, Reason.HEALTH_CHECK_FAILED)
        speaking.core.doubt(evidence.Source.HEALTH, ip("198.51.100.7"), doubt)
        speaking.core.step()
        said = speaking.node()
        assert said.counts is not None
        told += [
            (each.reason, each.state, said.counts.announced, said.counts.least_preferred)
            for each in said.services_not_normal
        ]
    assert told == [
        ("healthCheckFailed", Announcement.LEAST_PREFERRED, 1, 1),
        ("healthCheckFailed", Announcement.WITHDRAWN, 0, 0),
    ]


def test_what_is_withdrawn_by_hand_is_told_with_its_end() -> None:
    speaking = Speaking(*CONFIG, *WEB)
    known = [("VIP/198.51.100.7", "withdrawnByHand", "until 12:15")]
    told = Statement(data_path=NO_GATE, errors=known)
    status = node_status(speaking.core, speaking.table, told, speaking.since, moment(1000.0))
    assert [(each.about, each.message) for each in status.errors] == [("VIP/198.51.100.7", "until 12:15")]
