"""What a node lacks, by what its kernel says."""

from pathlib import Path

from herald.status.preflight import Check, Kernel, Verdict, judge, show
from herald.status.sockets import Holder, bgp_sockets, holders
from herald.status.text import plain
from tests.builders import ip

GOOD = Kernel(
    forwarding={"IPv4": True, "IPv6": True},
    rp_filter={"eth0": 2, "eth1": 0},
    routes={ip("192.0.2.1"): "eth0"},
    bgp=(Holder("exabgp", 7, listens=False),),
)
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:00B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0
   1: 0101010A:B3B4 0001010A:00B3 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0
   2: 0100007F:1D31 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 103 1 0
   3: 0101010A:B3B5 0002010A:00B3 02 00000000:00000000 00:00000000 00000000     0        0 104 1 0
"""


def replaced(**changes: object) -> list[Check]:
    values = {name: getattr(GOOD, name) for name in ("forwarding", "rp_filter", "routes", "bgp")}
    return [check for check in judge(Kernel(**{**values, **changes})) if check.verdict is not Verdict.OK]


def test_a_node_that_is_ready_has_nothing_to_say() -> None:
    assert replaced() == []
    assert "remedy" not in show(judge(GOOD), plain)


def test_without_forwarding_nothing_reaches_a_pod() -> None:
    (check,) = replaced(forwarding={"IPv4": False, "IPv6": True})
    assert (check.verdict, "net.ipv4.ip_forward=1" in check.remedy) == (Verdict.FAIL, True)


def test_a_strict_reverse_path_filter_is_in_the_way_where_there_are_several_links() -> None:
    (check,) = replaced(rp_filter={"eth0": 1, "eth1": 2})
    assert (check.verdict, check.found) == (Verdict.WARN, "strict on eth0")
    assert replaced(rp_filter={"eth0": 1}) == []


def test_without_a_route_back_nobody_gets_an_answer() -> None:
    (check,) = replaced(routes={ip("203.0.113.9"): None})
    assert (check.verdict, check.what) == (Verdict.FAIL, "route back to 203.0.113.9")


def test_others_that_speak_bgp_are_named() -> None:
    listening, speaking = replaced(bgp=(Holder("bird", 12, listens=True), Holder("", None, listens=False)))
    assert listening.found == "bird (pid 12) listens"
    assert speaking.found == "a program of another user has a session"


def test_sockets_of_the_bgp_port_are_found_and_no_others() -> None:
    assert list(bgp_sockets(TABLE)) == [("101", True), ("102", False)]


def test_a_socket_is_known_by_the_program_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TABLE)
    (tmp_path / "net" / "tcp6").write_text(TABLE.splitlines()[0])
    for pid, comm, argv, inode in ((7, "python3", "python3\0/x/launch.py\0", 102), (12, "bird", "bird\0", 101)):
        process = tmp_path / str(pid)
        (process / "fd").mkdir(parents=True)
        (process / "comm").write_text(comm + "\n")
        (process / "cmdline").write_text(argv)
        (process / "fd" / "3").symlink_to(f"socket:[{inode}]")
    assert holders(tmp_path) == [Holder("bird", 12, listens=True), Holder("exabgp", 7, listens=False)]
