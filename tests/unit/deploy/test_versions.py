"""What is shipped together says one version."""

import tomllib
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
VERSION = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("chart", ["herald", "herald-crds"])
def test_charts_have_the_version_of_the_programs(chart: str) -> None:
    found = yaml.safe_load((CHECKOUT / "deploy" / "chart" / chart / "Chart.yaml").read_text())
    assert (found["version"], found["appVersion"]) == (VERSION, VERSION)


def test_the_example_for_argo_cd_takes_this_version() -> None:
    applications = yaml.safe_load_all((CHECKOUT / "deploy" / "argocd" / "applications.yaml").read_text())
    revisions = {each["spec"]["source"]["targetRevision"] for each in applications}
    assert revisions == {f"v{VERSION}", "main"}
