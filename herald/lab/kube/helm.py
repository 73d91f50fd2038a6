"""Helm, and what a person installs with it: the charts of deploy/chart, as they are rendered for given values."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from herald.lab import manifests
from herald.lab.command import run
from herald.lab.kube import programs
from herald.lab.kube.client import ApiError, Client
from herald.lab.manifests import Manifest
from herald.lab.waiting import until

CHARTS = Path(__file__).parents[3] / "deploy" / "chart"
NAMESPACE = "herald-system"
SERVED_TIMEOUT_S = 20.0


async def render(chart: str, values: Mapping[str, Any] | None = None, namespace: str = NAMESPACE) -> list[Manifest]:
    """The chart's objects, in the order in which they are to be made. LabError with what Helm said if it refuses."""
    arguments = ["template", "herald", str(CHARTS / chart), "--namespace", namespace, "--values", "-"]
    rendered = await run(str(programs.helm()), *arguments, stdin=json.dumps(values or {}))
    return [document for document in yaml.safe_load_all(rendered) if document is not None]


async def install(client: Client, values: Mapping[str, Any] | None = None) -> None:
    """Both charts; returns when Herald's kinds are served. Nothing in a lab runs the pods: programs get pods' tokens."""
    definitions = await render("herald-crds")
    client.apply([manifests.namespace(NAMESPACE), *definitions])
    for spec in (definition["spec"] for definition in definitions):
        for version in spec["versions"]:
            path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
            await until(partial(_is_served, client, path), SERVED_TIMEOUT_S)
    client.apply(await render("herald", values))


def _is_served(client: Client, path: str) -> bool:
    try:
        client.get(path)
    except ApiError:
        return False
    return True
