import random
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from bgp_config.communities import StandardCommunity
from bgp_config.names import ASN, Family, Prefix
from speaker.exabgp.command import Announce, line
from speaker.exabgp.driver import MAX_IN_FLIGHT, MAX_LINES, STALL_MARGIN_S, Driver, Output, Remark
from speaker.exabgp.why import explain
from speaker.route import PathAttributes
from speaker.session import Closed, Established, InSync, Programmed, SessionSpec
from tests.unit.speaker.exabgp.model import UP, ExaBgp, down, event, peer_open

SPEC = SessionSpec(
    peer_address=ip_address("10.1.1.0"),
    peer_port=179,
    peer_asn=ASN(65001),
    local_address=ip_address("10.1.1.1"),
    local_asn=ASN(64512),
    router_id=IPv4Address("10.0.255.1"),
    hold_time_s=9,
    families=frozenset(Family),
)
PLAIN = PathAttributes(next_hop=SPEC.local_address, as_path=(SPEC.local_asn,))
LEAST = PathAttributes(
    next_hop=SPEC.local_address, as_path=(SPEC.local_asn,) * 7, communities=(StandardCommunity(65535, 0),)
)


def vip(number: int) -> Prefix:
    return ip_network(ip_address("198.51.100.0") + number)


class Life:
    """A driver and the ExaBGP that it drives."""

    def __init__(self, routes: Mapping[Prefix, PathAttributes], seed: int = 0, spec: SessionSpec = SPEC) -> None:
        self.driver = Driver(spec, routes)
        self.exabgp = ExaBgp(random.Random(seed))  # noqa: S311 -- repeatable, no secret
        self.outputs: list[Output] = []

    def up(self, families: frozenset[Family] = SPEC.families) -> None:
        self.hear(peer_open(families) + UP)

    def hear(self, octets: bytes) -> None:
        self.outputs += self.driver.receive(octets, 1.0)
        self.exabgp.read(self.driver.take(1.0))

    def step(self) -> None:
        self.exabgp.step()
        octets, self.exabgp.output = self.exabgp.output, b""
        self.hear(octets)

    def want(self, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        self.driver.want(changes)
        self.exabgp.read(self.driver.take(1.0))

    def run(self) -> None:
        while not self.exabgp.idle:
            self.step()

    def programmed(self) -> dict[Prefix, PathAttributes]:
        routes: dict[Prefix, PathAttributes | None] = {}
        for output in self.outputs:
            if isinstance(output, Programmed):
                routes[output.prefix] = output.attributes
        return {prefix: attributes for prefix, attributes in routes.items() if attributes is not None}


def words(attributes: PathAttributes) -> str:
    text = line(Announce(prefixes=(vip(0),), attributes=attributes)).decode()
    return text[text.index("next-hop") :].strip()


CHANGES = st.dictionaries(st.integers(0, 5), st.sampled_from([PLAIN, LEAST, None]), max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    initial=st.dictionaries(st.integers(0, 120), st.sampled_from([PLAIN, LEAST]), max_size=120),
    script=st.lists(st.one_of(CHANGES, st.integers(1, 5), st.just("refresh")), max_size=30),
    seed=st.integers(0, 1 << 16),
)
def test_whatever_the_order_the_wire_ends_as_desired(
    initial: dict[int, PathAttributes], script: list[dict[int, PathAttributes | None] | int | str], seed: int
) -> None:
    life = Life({vip(number): attributes for number, attributes in initial.items()}, seed)
    life.up()
    for entry in script:
        if isinstance(entry, dict):
            life.want({vip(number): attributes for number, attributes in entry.items()})
        elif isinstance(entry, int):
            for _ in range(entry):
                life.step()
        else:
            life.exabgp.refresh()
    life.run()
    desired = dict(life.driver.desired)
    assert life.exabgp.wire == {prefix: words(attributes) for prefix, attributes in desired.items()}
    assert life.programmed() == desired
    assert life.driver.is_settled
    assert sum(isinstance(output, InSync) for output in life.outputs) == 1
    assert life.exabgp.ends_of_rib == 2


def test_nothing_is_written_before_the_session_is_up() -> None:
    life = Life({vip(1): PLAIN})
    life.want({vip(2): PLAIN})
    life.hear(peer_open(SPEC.families))
    assert life.exabgp.idle
    life.hear(UP)
    life.run()
    assert set(life.exabgp.wire) == {vip(1), vip(2)}


def test_in_sync_comes_after_everything_desired_at_the_start() -> None:
    life = Life({vip(number): PLAIN for number in range(200)})
    life.up()
    life.run()
    kinds = [type(output) for output in life.outputs]
    assert kinds == [Established, *[Programmed] * 200, InSync]


def test_end_of_rib_is_sent_without_any_route() -> None:
    life = Life({})
    life.up()
    life.run()
    assert life.exabgp.ends_of_rib == 2
    assert isinstance(life.outputs[-1], InSync)


def test_what_is_programmed_already_is_not_sent_again() -> None:
    life = Life({vip(1): PLAIN})
    life.up()
    life.run()
    life.want({vip(1): PLAIN, vip(2): None})
    assert life.exabgp.idle


def test_a_change_and_back_while_the_first_is_in_flight_ends_where_it_began() -> None:
    life = Life({vip(1): PLAIN})
    life.up()
    life.run()
    life.want({vip(1): None})
    life.want({vip(1): LEAST})
    life.want({vip(1): PLAIN})
    life.run()
    assert life.exabgp.wire == {vip(1): words(PLAIN)}


def test_an_urgent_withdrawal_overtakes_the_rest_of_the_load() -> None:
    routes = {ip_network(ip_address("10.128.0.0") + number): PLAIN for number in range(10_000)}
    life = Life({vip(1): PLAIN} | routes)
    life.up()
    while not life.programmed():
        life.step()
    life.want({vip(1): None})
    while vip(1) in life.programmed():
        life.step()
    assert len(life.exabgp.wire) <= 3 * MAX_IN_FLIGHT


def test_withdrawals_do_not_wait_for_announcements_on_their_way() -> None:
    life = Life({vip(number): PLAIN for number in range(250)})
    life.up()
    life.run()
    life.driver.want({ip_network(ip_address("10.128.0.0") + number): PLAIN for number in range(1000)})
    life.driver.take(1.0)
    life.driver.want({vip(1): None})
    assert life.driver.take(1.0) == b"withdraw route 198.51.100.1/32\n"


def test_at_most_so_many_commands_are_unanswered() -> None:
    life = Life({vip(number): PLAIN for number in range(250)})
    life.up()
    life.run()
    for number in range(250):
        life.driver.want(
            {vip(number): PathAttributes(next_hop=SPEC.local_address, as_path=(ASN(number + 1),) * (number + 2))}
        )
    written = life.driver.take(1.0)
    assert written.count(b"\n") == MAX_LINES
    assert life.driver.take(1.0) == b""


def test_a_refused_command_ends_this_life_since_what_is_programmed_is_unknown() -> None:
    life = Life({vip(1): PLAIN})
    life.up()
    life.hear(b"error\n")
    assert life.driver.over == "ExaBGP refused a command"
    assert isinstance(life.outputs[-1], Closed)
    assert life.driver.take(1.0) == b""


def test_a_session_that_was_up_ends_this_life_and_an_attempt_does_not() -> None:
    life = Life({vip(1): PLAIN})
    life.hear(down("notification received (6,5)"))
    over_after_the_attempt = life.driver.over
    assert over_after_the_attempt is None
    life.up()
    life.hear(down("notification received (6,4)"))
    assert life.driver.over == "NOTIFICATION received: Cease / Administrative Reset"
    assert [output.why for output in life.outputs if isinstance(output, Closed)] == [
        explain("notification received (6,5)"),
        "NOTIFICATION received: Cease / Administrative Reset",
    ]


def test_routes_outlive_a_restart_only_when_both_ends_said_so_and_the_session_is_up() -> None:
    asks = replace(SPEC, graceful_restart_s=120)
    for spec, helps, outlives in ((asks, True, True), (asks, False, False), (SPEC, True, False)):
        life = Life({}, spec=spec)
        life.hear(peer_open(SPEC.families, helps_restart=helps))
        assert not life.driver.outlives_restart, "it is not up yet"
        life.hear(UP)
        assert life.driver.outlives_restart is outlives


def test_ipv4_routes_with_an_ipv6_next_hop_go_only_to_a_peer_that_takes_them() -> None:
    """ExaBGP would send them anyway, and the peer would end the session or install nonsense."""
    ends = {"peer_address": ip_address("fd00:1:1::"), "local_address": ip_address("fd00:1:1::1")}
    spec = replace(SPEC, families=frozenset(Family), **ends)  # type: ignore[arg-type]
    far, near = replace(PLAIN, next_hop=ip_address("fd00:1:1::1")), PLAIN
    for extends in (False, True):
        life = Life({vip(1): far, vip(2): near}, spec=spec)
        life.hear(peer_open(spec.families, extends_next_hops=extends) + UP)
        life.run()
        assert set(life.exabgp.wire) == ({vip(1), vip(2)} if extends else {vip(2)})
        assert life.exabgp.ends_of_rib == 2
        life.want({vip(2): far})
        life.run()
        assert set(life.exabgp.wire) == ({vip(1), vip(2)} if extends else set()), "the IPv4 next hop is gone"


def test_routes_of_a_family_that_the_peer_does_not_carry_stay_here_and_hold_up_nothing() -> None:
    life = Life({vip(1): PLAIN, ip_network("2001:db8::1/128"): PLAIN})
    life.up(frozenset({Family.IPV4}))
    life.run()
    assert set(life.exabgp.wire) == {vip(1)}
    assert life.exabgp.ends_of_rib == 1
    assert isinstance(life.outputs[-1], InSync)
    assert any(isinstance(output, Remark) and "ipv6" in output.text for output in life.outputs)


def test_a_peer_without_any_of_our_families_is_in_sync_with_nothing() -> None:
    life = Life({vip(1): PLAIN})
    life.up(frozenset())
    assert life.exabgp.idle
    assert isinstance(life.outputs[-1], InSync)


def test_lines_that_are_no_events_are_named_and_harmless() -> None:
    life = Life({vip(1): PLAIN})
    life.hear(b'{ "exabgp": "5.0.0", "type": "state", "neighbor": { "asn": { "peer": None } } }\n\xff\n')
    life.hear(event("fsm", state="OPENCONFIRM"))
    life.up()
    life.run()
    assert sum(isinstance(output, Remark) for output in life.outputs) == 2
    assert life.programmed() == {vip(1): PLAIN}


def test_events_may_come_in_any_pieces() -> None:
    life = Life({vip(1): PLAIN})
    for octet in peer_open(SPEC.families) + UP:
        life.hear(bytes([octet]))
    life.run()
    assert life.programmed() == {vip(1): PLAIN}


def test_an_answer_that_does_not_come_is_a_stall_and_an_idle_session_is_none() -> None:
    life = Life({vip(1): PLAIN})
    assert not life.driver.stalled(1e9)
    life.up()
    limit = SPEC.hold_time_s + STALL_MARGIN_S
    assert not life.driver.stalled(1.0 + limit)
    assert life.driver.stalled(1.1 + limit)
    life.run()
    assert not life.driver.stalled(1e9)


def test_the_next_life_starts_from_what_is_desired_now() -> None:
    life = Life({vip(1): PLAIN})
    life.up()
    life.run()
    life.hear(down("closing connection"))
    life.want({vip(2): LEAST, vip(1): None})
    successor = Life(life.driver.desired)
    successor.up()
    successor.run()
    assert successor.exabgp.wire == {vip(2): words(LEAST)}


def test_prefixes_are_recognised_however_they_are_written() -> None:
    mapped = ip_network("::ffff:192.0.2.1/128")
    plain = replace(PLAIN, next_hop=ip_address("fd00::1"))
    life = Life({mapped: plain})
    life.up()
    written = {"ipv6 unicast": {"fd00::1": [{"nlri": "::ffff:192.0.2.1/128"}]}}
    attribute = {"as-path": {"0": {"element": "as-sequence", "value": [64512]}}}
    life.hear(event("update", direction="send", message={"update": {"attribute": attribute, "announce": written}}))
    assert life.programmed() == {mapped: plain}
