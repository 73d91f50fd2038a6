"""BGPPeer: defaults, what each field means, and what is said about values that cannot be."""

from ipaddress import IPv4Address, ip_address

import pytest

from bgp_config.communities import GRACEFUL_SHUTDOWN, StandardCommunity
from bgp_config.config import Deprefer, NodeField, NodeValue, Peer, SecretRef
from bgp_config.kind import ConfigKind
from bgp_config.names import ASN, Family, PeerName
from bgp_config.parse import Accepted, Refused, parse
from bgp_config.selector import LabelSelector, Operator, Requirement

MINIMAL = {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0"}


def peer(**changes: object) -> Peer:
    parsed = parse(ConfigKind.BGP_PEER, "p", {**MINIMAL, **changes})
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, Peer)
    return parsed.meaning


def problems(**changes: object) -> dict[str, str]:
    """Message and hint by path."""
    parsed = parse(ConfigKind.BGP_PEER, "p", {**MINIMAL, **changes})
    assert isinstance(parsed, Refused), parsed
    return {p.path: f"{p.message}. {p.hint}" for p in parsed.problems}


def test_a_peer_needs_both_asns_and_an_address() -> None:
    parsed = parse(ConfigKind.BGP_PEER, "p", {})
    assert isinstance(parsed, Refused)
    assert [(p.path, p.message) for p in parsed.problems] == [
        ("spec.localASN", "is required"),
        ("spec.peerASN", "is required"),
        ("spec.peerAddress", "is required"),
    ]


def test_everything_else_has_a_default() -> None:
    assert peer() == Peer(
        name=PeerName("p"),
        local_asn=ASN(64512),
        peer_asn=ASN(65001),
        address=IPv4Address("10.1.1.0"),
        port=179,
        hold_time_s=90,
        keepalive_time_s=30,
        source_address=None,
        router_id=None,
        password_secret=None,
        node_selectors=None,
        connect_retry_s=1,
        multihop_ttl=None,
        ttl_security_hops=None,
        max_prefixes=None,
        families=None,
        graceful_restart_s=None,
    )


def test_every_field_is_taken_over() -> None:
    everything = peer(
        peerAddress="2001:db8::1",
        peerPort=1179,
        holdTimeSeconds=9,
        keepaliveTimeSeconds=2,
        sourceAddress="2001:db8::2",
        routerID="10.0.0.1",
        passwordSecret={"namespace": "bgp", "name": "tor"},
        nodeSelectors=[{"matchLabels": {"rack": "a"}}],
        families=["IPv6", "IPv4"],
        gracefulRestart={"restartTimeSeconds": 60},
        connectRetrySeconds=20,
        multihop={"ttl": 5},
        maxPrefixes=100,
        deprefer={"asPathPrepend": 3, "localPref": 9, "gracefulShutdown": False, "communities": ["65000:100"]},
    )
    assert everything == Peer(
        name=PeerName("p"),
        local_asn=ASN(64512),
        peer_asn=ASN(65001),
        address=ip_address("2001:db8::1"),
        port=1179,
        hold_time_s=9,
        keepalive_time_s=2,
        source_address=ip_address("2001:db8::2"),
        router_id=IPv4Address("10.0.0.1"),
        password_secret=SecretRef(namespace="bgp", name="tor"),
        node_selectors=(LabelSelector((Requirement("rack", Operator.IN, frozenset({"a"})),)),),
        families=frozenset(Family),
        graceful_restart_s=60,
        connect_retry_s=20,
        multihop_ttl=5,
        max_prefixes=100,
        deprefer=Deprefer(prepends=3, local_pref=9, communities=frozenset({StandardCommunity(65000, 100)})),
    )


def test_what_deprefer_leaves_out_is_as_usual() -> None:
    assert peer(deprefer={}).deprefer == peer().deprefer == Deprefer()
    both = frozenset({GRACEFUL_SHUTDOWN, StandardCommunity(65000, 100)})
    assert peer(deprefer={"communities": ["65000:100"]}).deprefer == Deprefer(communities=both)
    assert peer(deprefer={"gracefulShutdown": False}).deprefer.communities == frozenset()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("asPathPrepend", -1),
        ("asPathPrepend", 33),
        ("localPref", 0),
        ("communities", []),
        ("communities", ["65000:65536"]),
        ("communities", ["64512:1:2"]),
        ("communities", ["graceful-shutdown"]),
    ],
)
def test_what_deprefer_cannot_say_is_refused(field: str, value: object) -> None:
    assert [path.partition(f"spec.deprefer.{field}")[1] for path in problems(deprefer={field: value})] == [
        f"spec.deprefer.{field}"
    ]


def test_the_keepalive_time_is_a_third_of_the_hold_time_by_default() -> None:
    assert peer(holdTimeSeconds=9).keepalive_time_s == 3
    assert peer(holdTimeSeconds=3).keepalive_time_s == 1


def test_a_password_secret_and_graceful_restart_have_defaults_of_their_own() -> None:
    given = peer(passwordSecret={"name": "tor"}, gracefulRestart={})
    assert given.password_secret == SecretRef(namespace="herald-system", name="tor")
    assert given.graceful_restart_s == 120


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("localASN", 1, 2**32 - 2),
        ("peerASN", 1, 2**32 - 2),
        ("peerPort", 1, 65535),
        ("holdTimeSeconds", 3, 65535),
        ("connectRetrySeconds", 1, 60),
        ("maxPrefixes", 1, 1_000_000),
    ],
)
def test_numbers_are_bounded(field: str, lowest: int, highest: int) -> None:
    assert peer(**{field: lowest})
    assert peer(**{field: highest})
    assert f"must be at least {lowest}, not {lowest - 1}" in problems(**{field: lowest - 1})[f"spec.{field}"]
    assert f"spec.{field}" in problems(**{field: highest + 1})


@pytest.mark.parametrize("field", ["localASN", "peerASN"])
@pytest.mark.parametrize("asn", [23456, 65535, 2**32 - 1])
def test_reserved_asns_are_refused(field: str, asn: int) -> None:
    assert f"{asn} is reserved" in problems(**{field: asn})[f"spec.{field}"]


def test_a_hold_time_of_0_is_refused_with_the_danger() -> None:
    said = problems(holdTimeSeconds=0)["spec.holdTimeSeconds"]
    assert "not 0" in said
    assert "a dead node would keep its traffic" in said


def test_a_keepalive_time_above_a_third_of_the_hold_time_is_refused() -> None:
    assert peer(holdTimeSeconds=9, keepaliveTimeSeconds=3)
    said = problems(holdTimeSeconds=9, keepaliveTimeSeconds=4)["spec.keepaliveTimeSeconds"]
    assert "4 is more than a third of holdTimeSeconds 9" in said
    assert "at most 3" in said
    assert "holdTimeSeconds 90" in problems(keepaliveTimeSeconds=31)["spec.keepaliveTimeSeconds"]
    assert "must be at least 1" in problems(keepaliveTimeSeconds=0)["spec.keepaliveTimeSeconds"]


@pytest.mark.parametrize("field", ["peerAddress", "sourceAddress"])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "224.0.0.5", "169.254.1.1", "fe80::1", "::1", "tor1"])
def test_both_ends_need_unicast_addresses(field: str, address: str) -> None:
    assert list(problems(**{field: address})) == [f"spec.{field}"]


def test_the_source_address_is_another_address_of_the_same_family() -> None:
    assert "not of the family of peerAddress 10.1.1.0" in problems(sourceAddress="2001:db8::2")["spec.sourceAddress"]
    assert "is also peerAddress" in problems(sourceAddress="10.1.1.0")["spec.sourceAddress"]


@pytest.mark.parametrize("router_id", ["0.0.0.0", "2001:db8::1", "7"])
def test_a_router_id_is_written_as_an_ipv4_address(router_id: str) -> None:
    assert list(problems(routerID=router_id)) == ["spec.routerID"]


def test_families_are_listed_once_each() -> None:
    assert peer(families=["IPv6"]).families == frozenset({Family.IPV6})
    assert "listed twice" in problems(families=["IPv4", "IPv4"])["spec.families[1]"]
    assert 'must be IPv4 or IPv6, not "ipv4"' in problems(families=["ipv4"])["spec.families[0]"]
    assert "must not be empty" in problems(families=[])["spec.families"]


def test_a_router_some_hops_away_is_reached_by_multihop_or_by_ttl_security_and_never_both() -> None:
    assert peer(multihop={}).multihop_ttl == 64
    assert peer(ttlSecurity={}).ttl_security_hops == 1
    said = problems(multihop={}, ttlSecurity={"hops": 2})
    assert list(said) == ["spec.ttlSecurity"]
    assert "ttlSecurity.hops alone" in said["spec.ttlSecurity"]


@pytest.mark.parametrize("field", ["localASN", "peerASN", "peerAddress"])
def test_each_node_may_say_for_itself_what_differs_between_racks(field: str) -> None:
    attribute = {"localASN": "local_asn", "peerASN": "peer_asn", "peerAddress": "address"}[field]
    rest = {name: value for name, value in MINIMAL.items() if name != field}
    for place, kind in (("nodeLabel", NodeField.LABEL), ("nodeAnnotation", NodeField.ANNOTATION)):
        parsed = parse(ConfigKind.BGP_PEER, "p", {**rest, f"{field}From": {place: "example.com/bgp"}})
        assert isinstance(parsed, Accepted), parsed
        assert getattr(parsed.meaning, attribute) == NodeValue(kind, "example.com/bgp")
    said = problems(**{f"{field}From": {"nodeLabel": "rack"}})
    assert list(said) == [f"spec.{field}From"]
    assert f"Give either {field} or {field}From" in said[f"spec.{field}From"]


@pytest.mark.parametrize("source", [{}, {"nodeLabel": "a", "nodeAnnotation": "b"}])
def test_a_value_of_a_node_is_in_one_place(source: dict[str, str]) -> None:
    parsed = parse(ConfigKind.BGP_PEER, "p", {"localASN": 1, "peerASN": 2, "peerAddressFrom": source})
    assert isinstance(parsed, Refused)
    assert "spec.peerAddressFrom" in {p.path for p in parsed.problems}


def test_the_restart_time_has_the_twelve_bits_of_rfc_4724() -> None:
    assert peer(gracefulRestart={"restartTimeSeconds": 4095}).graceful_restart_s == 4095
    assert list(problems(gracefulRestart={"restartTimeSeconds": 4096})) == ["spec.gracefulRestart.restartTimeSeconds"]
    assert list(problems(gracefulRestart={"restartTimeSeconds": 0})) == ["spec.gracefulRestart.restartTimeSeconds"]


def test_every_problem_is_found_at_once() -> None:
    found = problems(peerAddress="x", holdTimeSeconds=9, keepaliveTimeSeconds=9, routerID="y", peerPort=0, nodeSelectors=[])
    assert set(found) == {
        "spec.peerAddress",
        "spec.keepaliveTimeSeconds",
        "spec.routerID",
        "spec.peerPort",
        "spec.nodeSelectors",
    }


@pytest.mark.parametrize(
    "spec",
    [
        {"passwordSecret": "hunter2"},
        {"passwordSecret": ["hunter2"]},
        {"passwordSecret": {"name": "Hunter2!", "namespace": "Hunter2!"}},
        {"passwordSecret": {"name": "tor", "password": "Hunter2!"}, "peerPort": 0},
        {"password": "Hunter2!", "peerPort": 0},
        {"md5": "Hunter2!", "peerPort": 0},
    ],
)
def test_a_password_in_the_wrong_place_is_never_shown(spec: dict[str, object]) -> None:
    parsed = parse(ConfigKind.BGP_PEER, "p", {**MINIMAL, **spec})
    assert isinstance(parsed, Refused)
    assert "hunter2" not in repr(parsed).lower()
