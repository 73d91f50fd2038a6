"""FRR's JSON becomes typed sessions and paths. The samples are FRR 8.4.4's own."""

from ipaddress import ip_address, ip_network
from pathlib import Path

from bgp_config.communities import GRACEFUL_SHUTDOWN, LargeCommunity, StandardCommunity
from bgp_config.names import Family
from herald.lab.rib import parse_bfd_sessions, parse_paths, parse_sessions

SAMPLES = Path(__file__).parent / "samples"
VIP = ip_network("198.51.100.1/32")


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def test_all_paths_of_a_prefix_are_read_with_their_attributes() -> None:
    paths = parse_paths(sample("prefix.json"))
    assert {path.peer for path in paths} == {ip_address("10.1.1.1"), ip_address("10.1.2.1")}
    tagged = next(path for path in paths if path.peer == ip_address("10.1.1.1"))
    assert (tagged.prefix, tagged.as_path, tagged.local_pref) == (VIP, (64512,), 0)
    assert tagged.next_hops == (ip_address("10.1.1.1"),)
    assert tagged.communities == {GRACEFUL_SHUTDOWN, StandardCommunity(64512, 100), StandardCommunity(65535, 65281)}
    assert tagged.large_communities == {LargeCommunity(1, 2, 3)}
    assert (tagged.valid, tagged.best, tagged.stale) == (True, False, False)


def test_a_path_without_local_pref_has_the_default_that_it_is_compared_with() -> None:
    plain = next(path for path in parse_paths(sample("prefix.json")) if path.peer == ip_address("10.1.2.1"))
    assert (plain.local_pref, plain.best) == (100, True)


def test_a_whole_table_reads_as_its_prefixes_do_and_leaves_own_networks_out() -> None:
    paths = parse_paths(sample("table.json"))
    assert {path for path in paths if path.prefix == VIP} == set(parse_paths(sample("prefix.json")))
    assert {path.prefix for path in paths} == {VIP, ip_network("10.9.0.0/24")}


def test_a_prefix_that_is_not_in_the_table_has_no_paths() -> None:
    assert parse_paths("{}") == ()


def test_sessions_are_read_whatever_their_state() -> None:
    sessions = {session.peer: session for session in parse_sessions(sample("summary.json"), Family.IPV4)}
    up, waiting = sessions[ip_address("10.1.1.1")], sessions[ip_address("10.1.3.1")]
    assert (up.established, up.peer_asn, up.prefixes, up.times_established) == (True, 64512, 1, 1)
    assert (waiting.established, waiting.prefixes) == (False, 0)


def test_a_router_without_peers_of_the_family_has_no_sessions() -> None:
    assert parse_sessions("{}", Family.IPV6) == ()


def test_bfd_sessions_are_read_with_what_the_peer_asks_for() -> None:
    down, up = parse_bfd_sessions(sample("bfd.json"))
    assert (down.peer, down.up, down.remote_discriminator) == (ip_address("fd00:1:1::1"), False, 0)
    assert (up.peer, up.up, up.remote_discriminator) == (ip_address("10.1.1.1"), True, 3479932056)
    assert (up.remote_transmit_ms, up.remote_receive_ms, up.remote_multiplier) == (100, 200, 4)
