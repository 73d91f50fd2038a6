"""What the chart gives to the Prometheus operator, taken by a real API server that has the operator's own definitions."""

import json
import re
from pathlib import Path

import pytest
import yaml

from herald.lab import manifests
from herald.lab.command import LabError
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.helm import NAMESPACE, render
from herald.lab.manifests import Manifest
from tests.kube.definitions import apply, define

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "rules.yaml"
LABELS = {"release": "prometheus"}
RUNBOOKS = "https://wiki.example.org/herald"
VALUES = {
    "podMonitor": {"enabled": True, "labels": LABELS},
    "prometheusRule": {"enabled": True, "labels": LABELS, "runbooks": RUNBOOKS},
}


async def monitors() -> list[Manifest]:
    return [each for each in await render("herald", VALUES) if each["apiVersion"].startswith("monitoring.coreos.com/")]


async def test_the_operators_definitions_take_every_field(new_api_server: ApiServer) -> None:
    client = new_api_server.client
    client.apply([manifests.namespace(NAMESPACE)])
    await define(new_api_server, "prometheus-operator")
    objects = await monitors()
    assert len(await apply(new_api_server, objects)) == len(objects) == 3
    (rule,) = client.get(f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheusrules")["items"]
    stored = json.dumps(rule["spec"]).replace(RUNBOOKS, "docs/runbooks.md")
    assert json.loads(stored) == yaml.safe_load(RULES.read_text())
    monitor = objects[0]
    monitor["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    with pytest.raises(LabError, match="intervall"):
        await apply(new_api_server, [monitor])


async def test_both_programs_are_monitored_and_named_as_the_alerts_name_them() -> None:
    objects = await render("herald", VALUES)
    found = [each for each in objects if each["kind"] == "PodMonitor"]
    jobs = set()
    for monitor, kind in zip(found, ("Deployment", "DaemonSet"), strict=True):
        (workload,) = (each for each in objects if each["kind"] == kind)
        pod = workload["spec"]["template"]
        (port,) = pod["spec"]["containers"][0]["ports"]
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["interval"]) == (port["name"], "15s")
        assert {"targetLabel": "job", "replacement": pod["spec"]["serviceAccountName"]} in endpoint["relabelings"]
        jobs.add(pod["spec"]["serviceAccountName"])
        assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert set(re.findall(r'job="([^"]+)"', RULES.read_text())) <= jobs


async def test_the_operator_finds_them_by_the_labels_that_it_looks_for() -> None:
    for each in await monitors():
        assert each["metadata"]["labels"].items() > LABELS.items()


async def test_without_the_operator_nothing_of_its_kinds_is_made() -> None:
    assert not [each for each in await render("herald") if each["apiVersion"].startswith("monitoring.coreos.com/")]
