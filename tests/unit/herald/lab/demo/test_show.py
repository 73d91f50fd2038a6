"""What a person sees of the demo."""

import io

import msgspec
import pytest
from rich.console import Console

from herald.lab.demo.figures import Event
from herald.lab.demo.scenes import SCENES
from herald.lab.demo.show import Lines, Screen, VipRow

WEB = VipRow(
    service="ingress/web",
    vip="198.51.100.1",
    next_hops={"tor1": ("node1", "node3"), "tor2": ("node2",)},
    answered={"node1": 31, "node3": 29},
    failed=17,
)
DNS = VipRow(
    service="network/dns",
    vip="2001:db8:100::35",
    next_hops={"tor1": (), "tor2": ("node3",)},
    answered={},
    failed=0,
)
UNHEALTHY = next(scene for scene in SCENES if scene.name == "endpoint-unhealthy")
SILENCED = next(scene for scene in SCENES if scene.name == "node-silenced")


def event(*, failed: int = 0, reset: int = 0) -> Event:
    return Event(name="any", route_change_s=0.074, requests=160, failed=failed, reset=reset, outage_s=0.31)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True, record=True)


def cells(rendered: str, service: str) -> list[str]:
    """Those of the last table's row."""
    (line,) = [line for line in rendered.splitlines() if service in line][-1:]
    return [cell.strip() for cell in line.strip().strip("│").split("│")]


def test_the_table_shows_each_vip_its_next_hops_per_tor_who_answered_and_what_failed(console: Console) -> None:
    with Screen(console) as screen:
        screen.live([WEB, DNS])
    rendered = console.export_text()
    assert cells(rendered, WEB.service) == [WEB.service, WEB.vip, "node1 node3", "node2", "node1:31 node3:29", "17"]
    assert cells(rendered, DNS.service) == [DNS.service, DNS.vip, "-", "node3", "nobody", "0"]


def test_the_table_names_the_tors_that_it_tells_of(console: Console) -> None:
    with Screen(console) as screen:
        screen.table([WEB])
    rendered = console.export_text()
    assert "tor1 sends to" in rendered
    assert "tor2 sends to" in rendered


def test_failures_are_red_and_their_absence_is_not(console: Console) -> None:
    with Screen(console) as screen:
        screen.live([WEB, DNS])
    rendered = console.export_text(styles=True)
    red = [line for line in rendered.splitlines() if "\x1b[31m" in line]
    assert red
    assert all(WEB.service in line for line in red)


def test_the_table_follows_what_is_now(console: Console) -> None:
    with Screen(console) as screen:
        screen.live([DNS])
        screen.live([WEB])
    assert cells(console.export_text(), WEB.service)[-1] == "17"


def test_an_event_scrolls_by_above_the_table_with_its_failures(console: Console) -> None:
    with Screen(console) as screen:
        screen.live([WEB])
        screen.event(UNHEALTHY, event(failed=3))
    rendered = " ".join(console.export_text().split())
    assert f"{UNHEALTHY.title}: ToR kernels changed after 74 ms; 3 of 160 new connections failed within 310 ms" in rendered
    assert rendered.rindex(WEB.service + " │") > rendered.rindex("new connections failed")


def test_an_empty_table_is_drawn_too(console: Console) -> None:
    with Screen(console) as screen:
        screen.live([])
    assert "Service" in console.export_text()


def test_a_pipe_gets_one_line_per_event(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as lines:
        lines.event(UNHEALTHY, event())
        lines.event(SILENCED, event(failed=2, reset=1))
    assert capsys.readouterr().out.splitlines() == [
        f"{UNHEALTHY.title}: ToR kernels changed after 74 ms; 0 of 160 new connections failed",
        (
            f"{SILENCED.title}: ToR kernels changed after 74 ms ({SILENCED.note}); "
            "2 of 160 new connections failed within 310 ms, 1 reset"
        ),
    ]


def test_a_scene_that_changed_no_route_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    restarted = next(scene for scene in SCENES if scene.node is None)
    with Lines() as lines:
        lines.event(restarted, msgspec.structs.replace(event(), route_change_s=None))
    assert capsys.readouterr().out == f"{restarted.title}: no route changed; 0 of 160 new connections failed\n"


def test_a_pipe_gets_one_line_per_vip_and_none_of_the_live_table(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as lines:
        lines.live([WEB])
        lines.table([WEB])
    assert capsys.readouterr().out.splitlines() == [
        "ingress/web  VIP 198.51.100.1  tor1 -> node1,node3; tor2 -> node2  answered by node1:31 node3:29"
    ]
