"""Debian's Prometheus on a machine of a lab, with the alerts of deploy/monitoring, and what it says."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from herald.lab.lab import Lab
from herald.lab.namespace import NAMESPACES
from herald.lab.process import Process
from herald.lab.waiting import until

RULES = Path(__file__).parents[3] / "deploy" / "monitoring" / "rules.yaml"
PORT = 9090


def read(lab: Lab, machine: str, url: str) -> str:
    """What is served there, asked for on that machine itself. Raises CalledProcessError if nothing is."""
    script = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=3).read())"
    net = f"--net={NAMESPACES / lab.namespace(machine)}"
    argv = ["nsenter", net, "--", "/usr/bin/python3", "-I", "-c", script, url]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    lab: Lab
    machine: str
    process: Process

    def ask(self, path: str) -> Any:
        return json.loads(read(self.lab, self.machine, f"http://127.0.0.1:{PORT}/api/v1/{path}"))["data"]

    def is_ready(self) -> bool:
        try:
            return bool(self.ask("status/buildinfo"))
        except subprocess.CalledProcessError:
            return False

    def healthy_targets(self) -> int:
        return sum(target["health"] == "up" for target in self.ask("targets")["activeTargets"])

    def firing(self) -> list[Mapping[str, str]]:
        """The labels of all alerts that fire."""
        return [alert["labels"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]


async def start_prometheus(lab: Lab, machine: str, jobs: Mapping[str, Sequence[str]], wait_s: int) -> Prometheus:
    """Scrapes these jobs' targets each second; an alert fires after `wait_s`, whatever longer time its rule has."""
    directory = lab.directory_of(machine) / "prometheus"
    directory.mkdir()
    rules = yaml.safe_load(RULES.read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = f"{wait_s}s"
    (directory / "rules.yaml").write_text(yaml.safe_dump(rules))
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(directory / "rules.yaml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]} for job, targets in jobs.items()
        ],
    }
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
    argv = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yaml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{PORT}",
    ]
    made = Prometheus(lab, machine, lab.start(machine, argv, name="prometheus"))
    await until(made.is_ready, 20)
    return made
