"""Helm, as a person would use it to see what a chart of deploy/chart becomes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from herald.lab.command import run
from herald.lab.kube import programs
from herald.lab.manifests import Manifest

CHARTS = Path(__file__).parents[3] / "deploy" / "chart"
NAMESPACE = "herald-system"


async def render(chart: str, values: Mapping[str, Any] | None = None, namespace: str = NAMESPACE) -> list[Manifest]:
    """The chart's objects, in the order in which they are to be made. LabError with what Helm said if it refuses."""
    arguments = ["template", "herald", str(CHARTS / chart), "--namespace", namespace, "--values", "-"]
    rendered = await run(str(programs.helm()), *arguments, stdin=json.dumps(values or {}))
    return [document for document in yaml.safe_load_all(rendered) if document is not None]
