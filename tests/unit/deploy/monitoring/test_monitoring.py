"""What is shipped for monitoring is generated anew, and speaks only of metrics that the programs export."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from herald.cli.metrics import CHAPTERS
from herald.program.families import Family, Type
from herald.program.reference import markdown

ROOT = Path(__file__).parents[4]
MONITORING = ROOT / "deploy" / "monitoring"
REFERENCE = ROOT / "docs" / "metrics.md"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
FAMILIES = {family for families in CHAPTERS.values() for family in families}
_SUFFIXES = {Type.HISTOGRAM: ("_bucket", "_sum", "_count")}


def exported() -> set[str]:
    """The names of all series."""
    return {family.name + suffix for family in FAMILIES for suffix in _SUFFIXES.get(family.type, ("",))}


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bherald_[a-z0-9_]+", text))


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((MONITORING / "rules.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def test_the_reference_is_what_the_programs_declare() -> None:
    assert REFERENCE.read_text() == markdown(CHAPTERS), "herald metrics > docs/metrics.md"


def test_the_dashboard_is_what_its_script_makes() -> None:
    made = subprocess.run([sys.executable, MONITORING / "dashboard.py"], check=True, capture_output=True, text=True).stdout
    assert (MONITORING / "dashboard.json").read_text() == made


def test_the_dashboard_asks_only_for_series_that_are_exported() -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(asked) > 20
    assert metrics_in(" ".join(asked)) <= exported()


def test_alerts_ask_only_for_series_that_are_exported() -> None:
    asked = metrics_in(" ".join(alert["expr"] for alert in alerts()))
    assert asked
    assert asked <= exported()


def test_every_alert_has_a_severity_and_a_chapter_in_the_runbooks_and_no_chapter_is_left_over() -> None:
    chapters = {heading.lower() for heading in re.findall(r"^## (\w+)$", RUNBOOKS.read_text(), re.MULTILINE)}
    anchors = set()
    for alert in alerts():
        assert alert["labels"]["severity"] in {"critical", "warning"}
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbooks.md"
        assert anchor == alert["alert"].lower()
        anchors.add(anchor)
    assert anchors == chapters


def test_runbooks_name_only_series_that_are_exported() -> None:
    assert metrics_in(RUNBOOKS.read_text()) <= exported()


def test_every_alert_is_tested_for_firing() -> None:
    tests = yaml.safe_load((MONITORING / "rules_test.yaml").read_text())["tests"]
    fired = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert fired == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("family", sorted(FAMILIES, key=str), ids=str)
def test_names_follow_prometheus_conventions(family: Family) -> None:
    assert re.fullmatch(r"herald_[a-z0-9]+(_[a-z0-9]+)*", family.name)
    assert (family.type is Type.COUNTER) == family.name.endswith("_total")
    if family.type is Type.HISTOGRAM:
        assert family.name.endswith("_seconds")
    assert family.text.endswith((".", "exported"))
    assert not re.search(r"_(ms|minutes|percent|milliseconds)(_|$)", family.name)
