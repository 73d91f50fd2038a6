from dataclasses import replace
from ipaddress import IPv4Network, ip_address

from bgp_config.communities import StandardCommunity
from bgp_config.names import ASN, Family, Prefix
from speaker.exabgp.adj_rib_out import AdjRibOut
from speaker.exabgp.command import MAX_PREFIXES, Announce, Withdraw
from speaker.exabgp.message import Sent
from speaker.route import PathAttributes

NEXT_HOP = ip_address("10.1.1.1")
PLAIN = PathAttributes(next_hop=NEXT_HOP, as_path=(ASN(64512),))
LEAST = replace(PLAIN, as_path=(ASN(64512),) * 7, communities=(StandardCommunity(65535, 0),))
V4 = frozenset({Family.IPV4})
A, B = IPv4Network("198.51.100.1/32"), IPv4Network("198.51.100.2/32")


def announced(attributes: PathAttributes, *prefixes: Prefix) -> Sent:
    return Sent(((attributes, tuple(str(prefix) for prefix in prefixes)),), ())


def withdrawn(*prefixes: Prefix) -> Sent:
    return Sent((), tuple(str(prefix) for prefix in prefixes))


def up_with(*prefixes: Prefix) -> AdjRibOut:
    """All programmed with PLAIN."""
    rib = AdjRibOut(dict.fromkeys(prefixes, PLAIN))
    rib.start(V4)
    while rib.load() is not None:
        pass
    rib.sent(announced(PLAIN, *prefixes))
    return rib


def test_commands_take_many_prefixes_with_the_same_attributes() -> None:
    prefixes: list[Prefix] = list(IPv4Network("10.0.0.0/25").subnets(new_prefix=32))
    rib = AdjRibOut(dict.fromkeys(prefixes, PLAIN) | {A: LEAST})
    rib.start(V4)
    commands = [rib.load(), rib.load(), rib.load(), rib.load()]
    assert [len(command.prefixes) for command in commands if command] == [
        MAX_PREFIXES,
        MAX_PREFIXES,
        128 - 2 * MAX_PREFIXES,
        1,
    ]
    assert commands[3] == Announce(prefixes=(A,), attributes=LEAST)
    assert rib.load() is None


def test_nothing_is_queued_before_the_start() -> None:
    rib = AdjRibOut({A: PLAIN})
    rib.want({B: PLAIN})
    assert (rib.withdrawal(), rib.announcement(), rib.load()) == (None, None, None)


def test_a_prefix_in_flight_waits_for_its_report() -> None:
    rib = up_with(A)
    rib.want({A: None})
    assert rib.withdrawal() == Withdraw(prefixes=(A,), next_hop=NEXT_HOP)
    rib.want({A: LEAST})
    assert rib.announcement() is None
    assert rib.sent(withdrawn(A)) == [(A, None)]
    assert rib.announcement() == Announce(prefixes=(A,), attributes=LEAST)


def test_an_answer_to_route_refresh_is_not_taken_for_the_report() -> None:
    rib = up_with(A, B)
    rib.want({A: LEAST, B: None})
    rib.announcement()
    rib.withdrawal()
    assert rib.sent(announced(PLAIN, A, B)) == []
    assert rib.in_flight == 2
    assert rib.sent(announced(LEAST, A)) == [(A, LEAST)]


def test_a_peer_with_two_octet_as_numbers_gets_as_trans() -> None:
    rib = AdjRibOut({A: replace(PLAIN, as_path=(ASN(4_200_000_000),))})
    rib.start(V4)
    rib.load()
    assert rib.sent(announced(replace(PLAIN, as_path=(ASN(23456),)), A))


def test_local_pref_that_exabgp_adds_is_no_difference_and_one_that_was_asked_for_is() -> None:
    asked = replace(PLAIN, as_path=(), local_pref=1)
    rib = AdjRibOut({A: replace(PLAIN, as_path=()), B: asked})
    rib.start(V4)
    rib.load()
    rib.load()
    added = replace(asked, local_pref=100)
    assert [prefix for prefix, _ in rib.sent(announced(added, A, B))] == [A]


def test_a_changed_mind_before_the_command_costs_no_command() -> None:
    rib = up_with(A)
    rib.want({A: None})
    rib.want({A: LEAST})
    rib.want({A: PLAIN})
    assert (rib.withdrawal(), rib.announcement()) == (None, None)


def test_reports_of_prefixes_that_were_never_asked_for_are_ignored() -> None:
    rib = up_with(A)
    assert rib.sent(announced(PLAIN, B)) == []
    assert rib.sent(withdrawn(B)) == []
    assert dict(rib.programmed) == {A: PLAIN}
