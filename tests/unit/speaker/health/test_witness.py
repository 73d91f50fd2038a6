"""From objects and answers to evidence: which VIPs stand how, and what a change, a removal or a restart makes of it."""

import time
from collections.abc import Callable, Iterable

import msgspec

from bgp_config.names import NodeName
from herald.kube.objects import EndpointPort, EndpointSlice, Kind, KubeObject, ObjectKey
from herald.kube.source import Gone, Synced, Upsert
from speaker.core import Core
from speaker.evidence import NORMAL as NOTHING_SAID
from speaker.health.dialogue import Outcome
from speaker.health.memory import HealthMemory
from speaker.health.metrics import HealthCollector
from speaker.health.prober import Answer
from speaker.health.witness import HealthWitness
from speaker.peering import NodeNetwork, Source
from speaker.reasons import Reason
from speaker.route import RouteState
from tests.builders import (
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    ip,
    manifest,
    node,
    peer_manifest,
    pool_manifest,
    service,
)

CLASS = "herald-lb.io/bgp"
WEB, VIP, OTHER_VIP, SIX = ObjectKey("default", "web"), "198.51.100.7", "198.51.100.8", "2001:db8:100::7"
GOOD, BAD = Outcome.PASSED, Outcome.TIMED_OUT
NORMAL, LAST_RESORT, WITHDRAWN = RouteState.NORMAL, RouteState.LAST_RESORT, RouteState.WITHDRAWN


def check(name: str = "web", **spec: object) -> KubeObject:
    return manifest(Kind.HEALTH_CHECK, name, {"protocol": "HTTP", "rise": 1, "fall": 1, **spec})


def web_slice(*addresses: str, name: str = "web-1") -> EndpointSlice:
    family = "IPv6" if ":" in addresses[0] else "IPv4"
    endpoints = [*(endpoint("node1", address) for address in addresses), endpoint("node2", "10.244.2.1")]
    made = endpoint_slice("web", endpoints, name=name, address_type=family)
    return EndpointSlice(metadata=made.metadata, address_type=family, endpoints=endpoints, ports=[EndpointPort(port=80)])


class Node:
    """A core, and its witness whose probes this test answers."""

    def __init__(self, *things: KubeObject, recalled: bytes | None = None) -> None:
        self.woken = 0
        self.core = Core(NodeName("node1"), CLASS)
        self.health = HealthWitness(CLASS, self._wake)
        if recalled:
            HealthMemory(self.health.judge).recall(msgspec.Raw(recalled))
        config = (
            node(),
            pool_manifest("six", "2001:db8:100::/64"),
            pool_manifest(),
            peer_manifest(),
            advertisement_manifest(),
        )
        self.tell(*config, *things)
        self.core.apply([Synced(kind) for kind in Kind])
        self.core.learn(NodeNetwork(sources={ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True)}))

    def _wake(self) -> None:
        self.woken += 1

    def tell(self, *things: KubeObject) -> None:
        for thing in things:
            kind = getattr(thing, "kind", None) or Kind(type(thing).__name__)
            self.core.apply([Upsert(kind, thing.key, thing)])

    def gone(self, kind: Kind, name: str) -> None:
        namespace = "" if kind.is_config else "default"
        self.core.apply([Gone(kind, ObjectKey(namespace, name))])

    def answer(self, outcome: Outcome, addresses: Iterable[str] = (), of: str = "web") -> None:
        """By all endpoints of the check, or those named."""
        for key, _, _ in list(self.health.found()):
            if key.group.check == of and (not addresses or str(key.address) in addresses):
                self.health._on_answer(Answer(key, outcome, 0.01, time.monotonic()))

    def states(self) -> dict[str, RouteState]:
        self.health.testify(self.core, time.monotonic())
        self.core.step()
        decisions = [vip for decision in self.core.decisions.values() for vip in decision.vips]
        assert {each.reason for each in decisions if each.state is LAST_RESORT} <= {Reason.HEALTH_CHECK_FAILED}
        return {str(each.vip): each.state for each in decisions if each.reason is not Reason.NO_PEER}


def test_a_node_whose_endpoints_are_sick_is_the_last_resort_until_they_are_well() -> None:
    this = Node(check(), service("web", VIP), web_slice("10.244.1.1"))
    assert this.states() == {VIP: NORMAL}
    this.answer(BAD)
    assert this.woken == 1
    assert this.states() == {VIP: LAST_RESORT}
    this.answer(GOOD)
    assert this.states() == {VIP: NORMAL}


def test_the_worst_of_several_checks_counts() -> None:
    hard = check("hard", onFailure="Withdraw")
    this = Node(check(), hard, service("web", VIP), web_slice("10.244.1.1"))
    this.states()
    this.answer(BAD)
    assert this.states() == {VIP: LAST_RESORT}
    this.answer(BAD, of="hard")
    assert this.states() == {VIP: WITHDRAWN}
    this.gone(Kind.HEALTH_CHECK, "hard")
    assert this.states() == {VIP: LAST_RESORT}


def test_a_check_that_is_gone_or_selects_other_services_says_nothing_more() -> None:
    this = Node(check(), service("web", VIP), web_slice("10.244.1.1"))
    other = check(serviceSelectors=[{"matchLabels": {"app": "other"}}])
    ways: list[Callable[[], None]] = [lambda: this.gone(Kind.HEALTH_CHECK, "web"), lambda: this.tell(other)]
    for take_away in ways:
        this.tell(check())
        this.states()
        this.answer(BAD)
        assert this.states() == {VIP: LAST_RESORT}
        take_away()
        assert this.states() == {VIP: NORMAL}
        assert list(this.health.found()) == []


def test_a_vip_that_is_added_stands_as_the_others_and_one_that_is_gone_leaves_nothing() -> None:
    this = Node(check(), service("web", VIP), web_slice("10.244.1.1"))
    this.states()
    this.answer(BAD)
    this.states()
    this.tell(service("web", VIP, OTHER_VIP))
    assert this.states() == {VIP: LAST_RESORT, OTHER_VIP: LAST_RESORT}
    this.tell(service("web", OTHER_VIP))
    assert this.states() == {OTHER_VIP: LAST_RESORT}
    this.gone(Kind.SERVICE, "web")
    assert this.states() == {}
    assert this.core.evidence.of((WEB, ip(VIP))) == this.core.evidence.of((WEB, ip(OTHER_VIP))) == NOTHING_SAID


def test_an_endpoint_that_is_gone_takes_its_sickness_with_it() -> None:
    this = Node(check(failWhen="Any"), service("web", VIP), web_slice("10.244.1.1", "10.244.1.2"))
    this.states()
    this.answer(GOOD)
    this.answer(BAD, ["10.244.1.2"])
    assert this.states() == {VIP: LAST_RESORT}
    this.tell(web_slice("10.244.1.1"))
    assert this.states() == {VIP: NORMAL}


def test_the_last_endpoint_that_is_gone_leaves_the_word_to_the_objects() -> None:
    this = Node(check(), service("web", VIP), web_slice("10.244.1.1"))
    this.states()
    this.answer(BAD)
    this.states()
    this.gone(Kind.ENDPOINT_SLICE, "web-1")
    assert this.states() == {VIP: WITHDRAWN}
    assert this.core.decisions[WEB].vips[0].reason is Reason.NO_ENDPOINT
    this.tell(web_slice("10.244.1.1"))
    assert this.states() == {VIP: NORMAL}


def test_the_endpoints_of_one_family_say_nothing_of_the_other_familys_vip() -> None:
    six = web_slice("fd00:244::1", name="six")
    this = Node(check(), service("web", VIP, SIX), web_slice("10.244.1.1"), six)
    this.states()
    this.answer(BAD, ["fd00:244::1"])
    assert this.states() == {VIP: NORMAL}
    this.answer(BAD, ["10.244.1.1"])
    assert this.states() == {VIP: LAST_RESORT}


def test_a_restarted_speaker_goes_on_with_what_was_found() -> None:
    things = (check(), service("web", VIP), web_slice("10.244.1.1"))
    before = Node(*things)
    before.states()
    before.answer(BAD)
    before.states()
    kept = msgspec.json.encode(HealthMemory(before.health.judge).remember())
    after = Node(*things, recalled=kept)
    assert after.states() == {VIP: LAST_RESORT}
    after.answer(GOOD)
    assert after.states() == {VIP: NORMAL}, "the sickness of an earlier life counts once"
    assert Node(*things[1:], check("other"), recalled=kept).states() == {VIP: NORMAL}


def test_metrics_count_endpoints_by_state_and_probes_by_outcome() -> None:
    this = Node(check(), service("web", VIP), web_slice("10.244.1.1", "10.244.1.2"))
    this.states()
    this.answer(GOOD, ["10.244.1.1"])
    this.answer(BAD, ["10.244.1.2"])
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in HealthCollector(this.health).collect()
        for sample in metric.samples
    }
    assert samples["herald_health_endpoints", "web", "well"] == 1
    assert samples["herald_health_endpoints", "web", "sick"] == 1
    assert samples["herald_health_probes_total", "web", "passed"] == 1
    assert samples["herald_health_probes_total", "web", "timedOut"] == 1
    assert samples["herald_health_probe_duration_seconds_count",] == 2


def test_metrics_forget_the_probes_of_a_check_that_is_gone_and_of_no_other() -> None:
    this = Node(check(), check("other"), service("web", VIP), web_slice("10.244.1.1"))
    this.states()
    for name in ("web", "other"):
        this.answer(GOOD, of=name)
    this.gone(Kind.HEALTH_CHECK, "other")
    this.states()
    assert set(this.health.outcomes) == {("web", GOOD)}
    this.gone(Kind.SERVICE, "web")
    this.states()
    this.gone(Kind.HEALTH_CHECK, "web")
    this.states()
    assert not this.health.outcomes
