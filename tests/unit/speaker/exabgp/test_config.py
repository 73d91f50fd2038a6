from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from bgp_config.names import ASN, Family
from speaker.exabgp.config import environment, render
from speaker.session import SessionSpec

SPEC = SessionSpec(
    peer_address=ip_address("10.1.1.0"),
    peer_port=179,
    peer_asn=ASN(65001),
    local_address=ip_address("10.1.1.1"),
    local_asn=ASN(4_200_000_001),
    router_id=IPv4Address("10.0.255.1"),
    hold_time_s=9,
    families=frozenset(Family),
)
HELPER = (Path("/usr/bin/python3"), Path("/lib/shim.py"), Path("/run/herald/api.sock"))

GOLDEN = """\
process speaker {
    run /usr/bin/python3 /lib/shim.py /run/herald/api.sock;
    encoder json;
    respawn true;
}
neighbor 10.1.1.0 {
    router-id 10.0.255.1;
    local-address 10.1.1.1;
    local-as 4200000001;
    peer-as 65001;
    hold-time 9;
    connect 1179;
    outgoing-ttl 255;
    incoming-ttl 254;
    adj-rib-in false;
    manual-eor true;
    md5-password c2VjcmV0;
    md5-base64 true;
    capability { asn4 enable; route-refresh enable; graceful-restart 120; }
    family { ipv4 unicast; ipv6 unicast; }
    api peer { processes [ speaker ]; neighbor-changes; send { parsed; update; } receive { packets; open; } }
}
"""


def test_everything_that_can_be_said_is_said() -> None:
    everything = replace(SPEC, peer_port=1179, password=b"secret", graceful_restart_s=120, ttl=255, min_ttl=254)
    assert render(everything, HELPER) == GOLDEN


def test_an_ipv6_session_with_ipv4_routes_offers_ipv6_next_hops_for_them() -> None:
    ends = {"peer_address": ip_address("fd00:1:1::"), "local_address": ip_address("fd00:1:1::1")}
    text = render(replace(SPEC, **ends), HELPER)  # type: ignore[arg-type]
    assert "    nexthop { ipv4 unicast ipv6; }\n" in text
    assert "route-refresh enable; nexthop enable; }" in text
    for other in (SPEC, replace(SPEC, families=frozenset({Family.IPV6}), **ends)):  # type: ignore[arg-type]
        assert "nexthop" not in render(other, HELPER)


def test_updates_of_the_peer_are_never_decoded() -> None:
    assert "receive { packets; open; }" in render(SPEC, HELPER)


def test_what_is_not_configured_is_not_said() -> None:
    text = render(replace(SPEC, families=frozenset({Family.IPV6})), HELPER)
    for word in ("connect", "md5", "graceful-restart", "ipv4", "listen", "passive", "ttl", "nexthop"):
        assert word not in text
    assert "manual-eor true;" in text


@pytest.mark.parametrize("password", [b"", b"x" * 81])
def test_a_password_is_never_empty_nor_cut_off(password: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 80 octets"):
        render(replace(SPEC, password=password), HELPER)


@pytest.mark.parametrize("path", ["/run/a b", "/run/a;shutdown", "/run/{x}", "/run/ä", "/run/a\nb"])
def test_a_path_that_exabgp_would_read_as_words_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot hold the path"):
        render(SPEC, (*HELPER, Path(path)))


def test_the_password_is_in_no_representation() -> None:
    assert "secret" not in repr(replace(SPEC, password=b"secret"))


def test_exabgp_gets_no_other_environment() -> None:
    variables = environment(SPEC, user="herald", path="/usr/bin")
    assert variables["exabgp.daemon.user"] == "herald"
    assert variables["HERALD_HOLD_TIME_S"] == "9"
    assert (variables["HERALD_KEEPALIVE_TIME_S"], variables["HERALD_CONNECT_RETRY_S"]) == ("0", "1")
    given = environment(replace(SPEC, keepalive_time_s=2, connect_retry_s=20), user="herald", path="/usr/bin")
    assert (given["HERALD_KEEPALIVE_TIME_S"], given["HERALD_CONNECT_RETRY_S"]) == ("2", "20")
    assert {name for name in variables if not name.startswith("exabgp.")} == {
        "PATH",
        "HERALD_HOLD_TIME_S",
        "HERALD_KEEPALIVE_TIME_S",
        "HERALD_CONNECT_RETRY_S",
    }
