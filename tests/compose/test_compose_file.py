"""docker-compose.yml is valid for Compose v2 as well, and the pages show only commands that are run."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from herald.lab.kube import programs
from tests.compose.engine import run
from tests.compose.page import commands

CHECKOUT = Path(__file__).parents[2]


def read_by_v2(file: Path) -> Mapping[str, Any]:
    """As the loader of `docker compose` does, which checks the file against Compose's schema."""
    said = run(
        [str(programs.compose_spec()), "-format", "json", str(file)], {**os.environ, "COMPOSE_PROFILES": "metrics"}, 20
    )
    found: Mapping[str, Any] = json.loads(said)
    return found


@pytest.mark.lab
def test_compose_v2_finds_the_services_and_networks_that_1_29_finds() -> None:
    model = read_by_v2(CHECKOUT / "docker-compose.yml")
    listed = run(["docker-compose", "--profile", "metrics", "config", "--services"], os.environ, 20, cwd=CHECKOUT)
    assert set(model["services"]) == set(listed.split())
    assert set(model["networks"]) == {"rack1", "rack2", "clients", "monitoring"}
    assert model["services"]["prometheus"]["profiles"] == ["metrics"]
    assert model["services"]["speaker1"]["network_mode"] == "service:node1"


@pytest.mark.lab
def test_compose_v2_refuses_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    """The control."""
    shutil.copytree(CHECKOUT / "deploy/compose", tmp_path / "deploy/compose")
    file = tmp_path / "docker-compose.yml"
    file.write_text((CHECKOUT / "docker-compose.yml").read_text().replace("cap_drop:", "cap_drops:"))
    with pytest.raises(AssertionError, match="cap_drops"):
        read_by_v2(file)


def test_every_command_that_the_page_shows_is_run() -> None:
    run_here = re.findall(r'documented\("compose.md", "([^"]+)"\)', Path(__file__).with_name("test_compose.py").read_text())
    shown = commands("compose.md")
    assert len(shown) > len(run_here) // 2
    assert [command for command in shown if not command.startswith(tuple(run_here))] == []
