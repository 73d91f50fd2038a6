"""The lines here are ExaBGP 5.0.15's own, as it wrote them."""

from ipaddress import ip_address

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.names import ASN, Family
from speaker.exabgp.message import Done, Down, EndOfRibSent, Error, Sent, Unknown, Up, parse
from speaker.exabgp.open import PeerOpen
from speaker.route import PathAttributes

HEAD = b'{ "exabgp": "5.0.0", "time": 1795500779.4796357, "host" : "vm", "pid" : 20138, "ppid" : 20096, "counter": 12, '
NEIGHBOR = (
    b'"neighbor": { "address": { "local": "10.200.1.2", "peer": "10.200.1.1" }, '
    b'"asn": { "local": 64512, "peer": 65001 }, "router-id": "10.200.255.1" , '
)


def test_answers() -> None:
    assert parse(b"done") == Done()
    assert parse(b"error") == Error()


def test_states() -> None:
    assert parse(HEAD + b'"type": "state", ' + NEIGHBOR + b'"state": "up" } }') == Up()
    assert isinstance(parse(HEAD + b'"type": "state", ' + NEIGHBOR + b'"state": "connected" } }'), Unknown)
    line = HEAD + b'"type": "state", ' + NEIGHBOR + b'"state": "down", "reason": "notification received (6,4)" } }'
    assert parse(line) == Down("notification received (6,4)")


def test_the_peers_open_is_told_in_octets() -> None:
    head = (
        HEAD + b'"type": "open", ' + NEIGHBOR + b'"direction": "receive", "message": { "category": 1, '
        b'"header": "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF007301", '
    )
    frr = (
        b'"body": "0x04FDE900090AFF00015602060104000100010206010400020001020280000202020002024600020641040000FDE902020600'
        b'020A450800010101000201010208490604746F72310002044002C0780210470E0001018000000000020180000000" }  } }'
    )
    assert parse(head + frr) == PeerOpen(frozenset(Family), helps_restart=True)
    for broken in (b'"body": "0x04" } } }', b'"body": "0xZ" } } }'):
        message = parse(head + broken)
        assert isinstance(message, Unknown)
        assert message.malformed


def test_an_announcement() -> None:
    line = (
        HEAD + b'"type": "update", ' + NEIGHBOR + b'"direction": "send", "message": { "update": { "attribute": { '
        b'"origin": "igp", "as-path": {"0": {"element": "as-sequence", "value": [64512, 64512]}}, '
        b'"local-preference": 100, "med": 7, "community": [ [ 65535, 0 ] ], "large-community": [ [ 1, 2 , 3 ] ], '
        b'"extended-community": [ { "value": 842122827661412, "string": "target:64512:100" } ] }, '
        b'"announce": { "ipv4 unicast": { "10.200.1.2": '
        b'[ { "nlri": "10.200.100.2/32" }, { "nlri": "10.200.100.3/32" } ] } } } } } }'
    )
    attributes = PathAttributes(
        next_hop=ip_address("10.200.1.2"),
        as_path=(ASN(64512), ASN(64512)),
        local_pref=100,
        communities=(StandardCommunity(65535, 0),),
        large_communities=(LargeCommunity(1, 2, 3),),
        extended_communities=(ExtendedCommunity(842122827661412),),
        med=7,
    )
    assert parse(line) == Sent(((attributes, ("10.200.100.2/32", "10.200.100.3/32")),), ())


def test_a_withdrawal() -> None:
    line = (
        HEAD + b'"type": "update", ' + NEIGHBOR + b'"direction": "send", "message": { "update": { '
        b'"withdraw": { "ipv4 unicast": [ { "nlri": "10.200.100.1/32" } ] } } } } }'
    )
    assert parse(line) == Sent((), ("10.200.100.1/32",))


def test_end_of_rib() -> None:
    line = (
        HEAD
        + b'"type": "update", '
        + NEIGHBOR
        + b'"direction": "send", "message": { "eor": { "afi" : "ipv4", "safi" : "unicast" } } } }'
    )
    assert parse(line) == EndOfRibSent(Family.IPV4)


def test_what_says_nothing_here_is_unknown_and_only_what_is_no_json_is_malformed() -> None:
    shutdown = HEAD + b'"type": "notification", "notification": "shutdown" }'
    received = HEAD + b'"type": "update", ' + NEIGHBOR + b'"direction": "receive", "message": { "update": { } } } }'
    for line in (shutdown, received, HEAD + b'"type": "of a later version" }'):
        message = parse(line)
        assert isinstance(message, Unknown)
        assert not message.malformed
    for line in (b"", b"{", b'{ "peer": None }', b"\xff\xfe", b"[1]"):
        message = parse(line)
        assert isinstance(message, Unknown)
        assert message.malformed
