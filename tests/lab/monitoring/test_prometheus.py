"""Real programs export exactly what is declared, and a real Prometheus raises the alarm when a session is cut."""

import re
import subprocess
from pathlib import Path

import pytest

from herald.cli.metrics import CHAPTERS
from herald.lab.deployment import Deployment
from herald.lab.waiting import until
from tests.lab.fabric import fabric
from tests.lab.monitoring.prometheus import read, start_prometheus

pytestmark = pytest.mark.lab

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
NOT_WITHOUT_BFD = "herald_bfd_"
"""Exported where a BGPPeer names a BFDProfile."""
EVERYWHERE = ("--listen", "0.0.0.0:7473")


def scrape(deployment: Deployment, machine: str, port: int) -> str:
    return read(deployment.lab, machine, f"http://127.0.0.1:{port}/metrics")


def value(text: str, series: str) -> float:
    """Of the only sample whose series begins so."""
    (line,) = [line for line in text.splitlines() if line.startswith(series)]
    return float(line.rsplit(" ", 1)[1])


def test_the_alerts_are_sound_and_fire_as_their_tests_say() -> None:
    subprocess.run(["promtool", "check", "rules", MONITORING / "rules.yaml"], check=True, capture_output=True)
    subprocess.run(["promtool", "test", "rules", MONITORING / "rules_test.yaml"], check=True, capture_output=True)


def approve(text: str) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=text, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def test_both_programs_export_exactly_what_is_declared_in_a_form_that_prometheus_approves() -> None:
    async with fabric(flags=("--data-path", "http://127.0.0.1:8080/")) as deployment:
        texts = {"speaker": scrape(deployment, "node1", 7473), "controller": scrape(deployment, "client", 7472)}
    for program, text in texts.items():
        chapters = [families for chapter, families in CHAPTERS.items() if program in chapter.lower()]
        declared = {family.name: family.type.value for families in chapters for family in families}
        found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        assert found.items() <= declared.items()
        assert {name for name in declared.keys() - found.keys() if not name.startswith(NOT_WITHOUT_BFD)} == set()
        approve(text)


async def test_the_figures_are_true() -> None:
    async with fabric() as deployment:
        before = scrape(deployment, "node1", 7473)
        for tor in ("tor1", "tor2"):
            assert value(before, f'herald_bgp_session_up{{peer="node1-{tor}"}}') == 1
            assert value(before, f'herald_bgp_routes_programmed{{peer="node1-{tor}"}}') == 2
            assert value(before, f'herald_bgp_routes_pending{{peer="node1-{tor}"}}') == 0
            assert value(before, f'herald_bgp_session_received_bytes_total{{peer="node1-{tor}"}}') > 50  # an OPEN at least
        assert value(before, 'herald_speaker_service_announced{namespace="default",service="web"') == 1
        assert value(before, "herald_speaker_next_hop_sets") == 1
        deployment.write_slice("web", unready=["node1"])

        def withdrawn() -> bool:
            return value(scrape(deployment, "node1", 7473), "herald_speaker_vips_announced") == 1

        await until(withdrawn, 5)
        text = scrape(deployment, "node1", 7473)
        assert value(text, 'herald_speaker_vips_withheld{reason="noLocalEndpoint"}') == 1
        assert 'herald_speaker_service_announced{namespace="default",service="web"' not in text
        assert value(text, "herald_speaker_next_hop_sets") == 2
        assert value(text, 'herald_speaker_change_seconds_count{direction="withdraw"}') == 2  # one route to each ToR
        assert 0 < value(text, 'herald_speaker_change_seconds_sum{direction="withdraw"}') < 0.2


async def test_a_session_that_is_cut_is_an_alert_within_its_time_and_none_when_it_is_back() -> None:
    async with fabric(flags=EVERYWHERE) as deployment:
        lab, tor1 = deployment.lab, "tor1"
        targets = [f"{address}:7473" for address in deployment.node_addresses(tor1)]
        prometheus = await start_prometheus(lab, tor1, {"herald-speaker": targets}, wait_s=3)
        await until(lambda: prometheus.healthy_targets() == len(targets), 10)
        assert not [alert for alert in prometheus.firing() if alert["alertname"].startswith("HeraldSession")]
        await lab.cut("node1", "tor2")

        def cut_session() -> bool:
            return any(
                alert["alertname"] == "HeraldSessionDown" and alert["peer"] == "node1-tor2" for alert in prometheus.firing()
            )

        await until(cut_session, 30)
        await lab.restore("node1", "tor2")
        await until(lambda: not cut_session(), 30)
