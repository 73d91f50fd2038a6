"""The text is aligned, complete, and shows at a glance what is not as it should be."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bgp_config.status.node import Counts
from bgp_config.status.session import BFDState, SessionBFD, State
from herald.status.decided import decide
from herald.status.explain import story
from herald.status.show import overview
from herald.status.text import Cell, Tone, ago, coloured, plain, some, table
from tests.builders import peer_manifest, service
from tests.unit.herald.status.build import CLASS, NODES, NOW, WEB, answer, cluster, session, speaker, world

SESSIONS = [session(name, peer) for name in NODES for peer in ("tor1", "tor2")]


def test_the_overview_of_a_cluster_with_a_sick_endpoint_a_cut_cable_and_a_silent_speaker() -> None:
    sessions = [*SESSIONS[1:], session("node1", "tor1", State.DOWN, "NOTIFICATION sent: Hold Timer Expired")]
    speakers = [("node1", speaker()), ("node2", speaker()), ("node3", speaker(heard_s=600))]
    text = overview(
        answer(world(cluster(service("new"), unready=["node2"]), speakers=speakers, sessions=sessions)), NOW, plain
    )
    assert (
        text
        == """\
NODES
  NODE   SPEAKER  HEARD    SESSIONS  ANNOUNCES  VERSION
  node1  Ready    5s ago   1 of 2    1 VIP      0.1.0
  node2  Ready    5s ago   2 of 2    0 VIPs     0.1.0
  node3  silent   10m ago  2 of 2    0 VIPs     0.1.0

SESSIONS
  NODE   PEER  ROUTER    AS     STATE        FOR     PREFIXES  LAST ERROR
  node1  tor2  10.2.1.0  65001  Established  1h 30m  1
  node1  tor1  10.1.1.0  65001  Down         1h 30m  1         NOTIFICATION sent: Hold Timer Expired, 30s ago
  node2  tor1  10.1.1.0  65001  Established  1h 30m  1
  node2  tor2  10.2.1.0  65001  Established  1h 30m  1
  node3  tor1  10.1.1.0  65001  Unknown              1
  node3  tor2  10.2.1.0  65001  Unknown              1

VIPS
  SERVICE      VIP           NODES   ANNOUNCED BY  NOT BY
  default/new  no VIP                              notAssigned
  default/web  198.51.100.7  1 of 3  node1         noLocalEndpoint: node2; speakerSilent: node3

REASONS
  noLocalEndpoint: externalTrafficPolicy is Local and no endpoint on this node is serving
  notAssigned: the Service has no VIP yet: its status or the controller's log says why
  speakerSilent: no word from the node's speaker: its routes are withdrawn by now, or it cannot reach the API server

Read from the API server.
"""
    )


def test_a_session_without_routes_for_the_sake_of_bfd_says_so_and_does_not_announce() -> None:
    up, down = SessionBFD(state=BFDState.UP), SessionBFD(state=BFDState.DOWN, reason="bfdDown")
    sessions = [replace(session("node1", peer), bfd=bfd) for peer, bfd in (("tor1", up), ("tor2", down))]
    text = overview(answer(world(cluster(nodes=("node1",)), sessions=sessions)), NOW, plain)
    assert "Established  1h 30m  Up       1" in text
    assert "Established  1h 30m  bfdDown  1" in text
    assert "default/web  198.51.100.7  1 of 1" in text
    sessions = [replace(each, bfd=down) for each in sessions]
    text = overview(answer(world(cluster(nodes=("node1",)), sessions=sessions)), NOW, plain)
    assert "default/web  198.51.100.7  0 of 1  sessionsDown: node1" in text


def test_a_router_without_a_place_for_a_vip_shows_and_what_is_announced_all_the_same() -> None:
    older = service("older", "198.51.100.9", created="2020-01-01T00:00:00Z")
    limited = peer_manifest("tor1", "10.1.1.0", maxPrefixes=1)
    of = world(cluster(older, limited, nodes=("node1",)))
    row = "198.51.100.7  1 of 1  node1         prefixLimitSomewhere, still announced: node1"
    assert row in overview(answer(of), NOW, plain)
    text = story(answer(of, WEB), NOW, plain)
    assert "node1  198.51.100.7  1 serving  announced  prefixLimitSomewhere" in text
    assert "node1  tor1  Established  198.51.100.7/32" in text
    assert "withheld: prefixLimit" in text


def test_a_node_with_no_session_at_all_does_not_announce() -> None:
    sessions = [session("node1", "tor1", State.DOWN), session("node1", "tor2", State.DOWN)]
    text = overview(answer(world(cluster(nodes=("node1",)), sessions=sessions)), NOW, plain)
    assert "default/web  198.51.100.7  0 of 1  sessionsDown: node1" in text


def test_the_story_of_one_service() -> None:
    sessions = [*SESSIONS[1:], session("node1", "tor1", State.DOWN)]
    text = story(answer(world(cluster(unready=["node2"]), sessions=sessions), WEB), NOW, plain)
    assert (
        text
        == """\
default/web: announced by 2 of 3 nodes, externalTrafficPolicy Local

ADDRESS
  198.51.100.7  from pool default; nothing was requested: the lowest that was free in the first pool, by name, that had one

NODES
  NODE   VIP           ENDPOINTS       DECISION       WHY
  node1  198.51.100.7  1 serving       announced
  node2  198.51.100.7  0 of 1 serving  not announced  noLocalEndpoint
  node3  198.51.100.7  1 serving       announced

ROUTES
  NODE   PEER  SESSION      PREFIX           NEXT HOP  AS PATH
  node1  tor1  Down         198.51.100.7/32  10.1.1.1  64512
  node1  tor2  Established  198.51.100.7/32  10.2.1.1  64512
  node3  tor1  Established  198.51.100.7/32  10.1.1.1  64512
  node3  tor2  Established  198.51.100.7/32  10.2.1.1  64512

REASONS
  noLocalEndpoint: externalTrafficPolicy is Local and no endpoint on this node is serving
"""
    )


def test_colour_does_not_move_columns() -> None:
    rows: list[list[Cell]] = [[("up", Tone.GOOD), "x"], ["down", "y"]]
    assert table(["STATE", "N"], rows, plain) == ["  STATE  N", "  up     x", "  down   y"]
    assert table(["STATE", "N"], rows, coloured)[1] == "  \033[32mup\033[0m     x"


def test_a_column_without_anything_is_left_out() -> None:
    assert table(["A", "B"], [["x", ""]], plain) == ["  A", "  x"]


def test_many_names_are_cut_short() -> None:
    assert some([f"n{n}" for n in range(5)]) == "n0 n1 n2 n3 n4"
    assert some([f"n{n}" for n in range(9)]) == "n0 n1 n2 n3 and 5 more"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3600, "1h"), (90061, "1d 1h"), (-5, "0s")]
)
def test_ages_have_their_two_largest_units(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_what_is_left_out_is_said_and_speakers_tell_how_many_vips_they_announce() -> None:
    counts = Counts(announced=9_000, withheld=1, sessions=2, established=2)
    said = [(name, replace(speaker(), counts=counts)) for name in NODES[:2]]
    of = world(cluster(), speakers=[*said, ("node3", replace(speaker(heard_s=600), counts=counts))])
    text = overview(decide(of, CLASS, NOW, most=2), NOW, plain)
    assert "1 more Services, which no speaker names as not normal: --all decides about each of them" in text
    assert [line.split()[-3] for line in text.splitlines()[2:5]] == ["9000", "9000", "0"]
