"""The example for Argo CD, applied wave by wave to a real API server with the real definitions, Argo CD's own among them.

What the waves mean for Herald is shown by tests/unit/deploy/test_argocd.py.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from herald.lab import manifests
from herald.lab.command import LabError
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.helm import NAMESPACE, install, render
from herald.lab.manifests import Manifest
from tests.kube.definitions import apply, define

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

ARGOCD = Path(__file__).parents[2] / "deploy" / "argocd"


def wave(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


def waves(path: Path) -> Iterator[list[Manifest]]:
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    found = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    for _, objects in groupby(sorted(found, key=wave), wave):
        yield list(objects)


async def test_every_wave_is_taken_with_every_field_and_the_values_are_ones_of_the_chart(new_api_server: ApiServer) -> None:
    new_api_server.client.apply([manifests.namespace("argocd")])
    await define(new_api_server, "argo-cd")
    applications = [each for wave in waves(ARGOCD / "applications.yaml") for each in wave]
    assert len(await apply(new_api_server, applications)) == 3
    (values,) = (each["spec"]["source"]["helm"]["valuesObject"] for each in applications if "helm" in each["spec"]["source"])
    await render("herald", values)
    await install(new_api_server.client, values)
    for objects in waves(ARGOCD / "fabric"):
        assert len(await apply(new_api_server, objects)) == len(objects)
    speakers = new_api_server.client.get(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles")["items"]
    assert {"tor-a", "tor-b"} in [set(rule.get("resourceNames", ())) for role in speakers for rule in role["rules"]]
    applications[0]["spec"]["source"]["chartt"] = "x"
    with pytest.raises(LabError, match="chartt"):
        await apply(new_api_server, applications[:1])
