"""Kinds of others, defined on a real API server as their own projects define them, and objects that are applied strictly."""

import json
from functools import partial
from typing import Literal

import yaml

from herald.lab.kube import programs
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError
from herald.lab.kube.kubectl import kubectl
from herald.lab.manifests import Manifest
from herald.lab.waiting import until


async def define(server: ApiServer, module: Literal["prometheus-operator", "argo-cd"]) -> None:
    """Returns when the kinds are served."""
    for file in programs.definitions_of(module):
        definition = yaml.safe_load(file.read_text())
        server.client.apply([definition])
        spec = definition["spec"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        await until(partial(_is_served, server, path), 20)


def _is_served(server: ApiServer, path: str) -> bool:
    try:
        server.client.get(path)
    except ApiError:
        return False
    return True


async def apply(server: ApiServer, objects: list[Manifest]) -> list[str]:
    """A line for each. Strictly: a field that the definition does not have is an error, LabError."""
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    said = await kubectl(server.admin, "apply", "--server-side", "--validate=strict", "-f", "-", stdin=stdin)
    return said.splitlines()
