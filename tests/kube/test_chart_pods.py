"""How the chart runs both programs: what pods may do, where they are, how they are updated, and what they can reach."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from herald.lab import manifests
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError
from herald.lab.kube.helm import render
from herald.lab.manifests import Manifest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def of_kind(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def container(objects: list[Manifest], kind: str) -> Manifest:
    found: Manifest = of_kind(objects, kind)["spec"]["template"]["spec"]["containers"][0]
    return found


def violations(server: ApiServer, workload: Manifest) -> str:
    """Why a namespace that enforces Pod Security's strictest level refuses this workload's pods; empty if it does not."""
    namespace = manifests.namespace("restricted")
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
    pod = copy.deepcopy(workload["spec"]["template"])
    pod["metadata"] |= {"name": "pod", "namespace": "restricted"}
    server.client.apply([namespace])
    try:
        server.client.request("POST", "/api/v1/namespaces/restricted/pods?dryRun=All", pod)
    except ApiError as error:
        return str(error)
    return ""


async def test_the_controllers_pods_need_no_privilege(api_server: ApiServer) -> None:
    assert violations(api_server, of_kind(await render("herald"), "Deployment")) == ""


async def test_the_speakers_pods_need_the_nodes_network_and_their_directory_and_no_more(api_server: ApiServer) -> None:
    speaker = of_kind(await render("herald"), "DaemonSet")
    assert "hostPath" in violations(api_server, speaker)
    pod = speaker["spec"]["template"]["spec"]
    (init,), (program,) = pod["initContainers"], pod["containers"]
    assert init["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}
    del pod["initContainers"], pod["hostNetwork"], program["ports"][0]["hostPort"]
    pod["volumes"] = [{"name": "run", "emptyDir": {}}]
    assert violations(api_server, speaker) == ""


@pytest.mark.parametrize("value", ["bindVIPs", "aggregates", "guardPools"])
async def test_a_speaker_that_changes_the_nodes_network_is_root_with_one_capability(value: str) -> None:
    speaker = of_kind(await render("herald", {"speaker": {value: True}}), "DaemonSet")
    context = container([speaker], "DaemonSet")["securityContext"]
    assert (context["runAsUser"], context["capabilities"]) == (0, {"drop": ["ALL"], "add": ["NET_ADMIN"]})
    (init,) = speaker["spec"]["template"]["spec"]["initContainers"]
    assert init["command"] == ["chown", "0:0", "/run/herald"]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
async def test_containers_write_nowhere_and_become_no_more_than_they_are(kind: str) -> None:
    pod = of_kind(await render("herald"), kind)["spec"]["template"]["spec"]
    for each in [*pod.get("initContainers", ()), *pod["containers"]]:
        assert each["securityContext"]["readOnlyRootFilesystem"]
        assert not each["securityContext"]["allowPrivilegeEscalation"]


async def test_speakers_are_on_every_node_are_never_evicted_and_never_throttled_and_leave_one_at_a_time() -> None:
    spec = of_kind(await render("herald"), "DaemonSet")["spec"]
    pod = spec["template"]["spec"]
    assert pod["hostNetwork"]
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["priorityClassName"] == "system-node-critical"
    assert spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"] == 1
    assert spec["minReadySeconds"] > 0
    assert not [each for each in pod["containers"] if "cpu" in each["resources"]["limits"]]


async def test_of_two_controllers_one_stays_whatever_is_drained_or_updated() -> None:
    objects = await render("herald")
    deployment, budget = of_kind(objects, "Deployment"), of_kind(objects, "PodDisruptionBudget")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


@pytest.mark.parametrize(
    ("values", "scrapers"),
    [({}, [{"namespaceSelector": {}}]), ({"metricsFrom": [{"podSelector": {}}]}, [{"podSelector": {}}])],
)
async def test_the_controller_is_asked_for_metrics_and_asks_the_api_server_and_nothing_else(
    values: Mapping[str, Any], scrapers: list[Any]
) -> None:
    objects = await render("herald", {"networkPolicy": values})
    policy = of_kind(objects, "NetworkPolicy")["spec"]
    pod = of_kind(objects, "Deployment")["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (ingress,), (egress,) = policy["ingress"], policy["egress"]
    assert ingress == {
        "ports": [{"protocol": "TCP", "port": pod["spec"]["containers"][0]["ports"][0]["name"]}],
        "from": scrapers,
    }
    assert [(port["protocol"], port["port"]) for port in egress["ports"]] == [("TCP", 443), ("TCP", 6443)]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
async def test_the_kubelet_asks_what_the_programs_answer(kind: str) -> None:
    """What they answer, and when, is shown by tests of each program."""
    program = container(await render("herald"), kind)
    paths = {probe: program[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    assert {program[probe]["httpGet"]["port"] for probe in paths} == {program["ports"][0]["name"]}
