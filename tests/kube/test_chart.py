"""The charts and the kustomize base, rendered by the real Helm and kubectl and taken by a real API server."""

import argparse
import json
import shutil
import subprocess
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from herald.lab import manifests
from herald.lab.command import LabError, run
from herald.lab.kube import programs
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError
from herald.lab.kube.helm import CHARTS, NAMESPACE, install, render
from herald.lab.kube.kubectl import kubectl
from herald.lab.manifests import Manifest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

CHECKOUT = Path(__file__).parents[2]
KUSTOMIZE = CHECKOUT / "deploy" / "kustomize"
COMPONENTS: Mapping[str, Mapping[str, Any]] = {
    "bfd": {"bfd": {"enabled": True}},
    "monitors": {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
}
"""Each with the values that make the chart make the same."""

EVERYTHING: Mapping[str, Any] = {
    "image": {"repository": "registry.example.org/herald", "tag": "1.2.3", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "passwordSecrets": {NAMESPACE: ["tor1", "tor2"], "fabric": ["spine"]},
    "apiServer": {"host": "10.0.0.1", "port": 6443},
    "logLevel": "debug",
    "controller": {
        "replicas": 3,
        "listenAddress": "[::]",
        "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
        "tolerations": [{"operator": "Exists"}],
        "podAnnotations": {"example.org/a": "b"},
    },
    "speaker": {
        "listenAddress": "[$(HOST_IP)]",
        "bindVIPs": True,
        "guardPools": True,
        "aggregates": True,
        "serviceMetrics": False,
        "dataPath": "http://127.0.0.1:9099/readiness",
        "dataPathTimeoutSeconds": 2.5,
        "syncTimeoutSeconds": 20,
        "maxStaleSeconds": 0,
        "systemdState": True,
        "ignoreExcludeLabel": True,
        "nodeSelector": {"rack": "a"},
        "podAnnotations": {"example.org/a": "b"},
    },
    "networkPolicy": {"metricsFrom": [{"podSelector": {}}], "apiServerCIDRs": ["10.0.0.0/24"], "apiServerPorts": [6443]},
}
"""A value other than the default wherever the API server knows the kind that comes of it."""


def of_kind(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def container(objects: list[Manifest], kind: str) -> Manifest:
    found: Manifest = of_kind(objects, kind)["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
async def test_the_api_server_takes_every_object_and_knows_every_field(
    new_api_server: ApiServer, values: Mapping[str, Any]
) -> None:
    client = new_api_server.client
    client.apply(manifests.namespace(name) for name in values.get("passwordSecrets", ()))
    await install(client, values)
    objects = [*await render("herald-crds"), *await render("herald", values)]
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    said = await kubectl(
        new_api_server.admin,
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=lab", "-f", "-"),
        stdin=stdin,
    )
    assert len(said.splitlines()) == len(objects)
    for each in objects:
        assert client.get(client.path_of(each))["kind"] == each["kind"]


WRONG: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "an unknown name": ({"speaker": {"bindVips": True}}, "'bindVips' not allowed"),
    "nobody to lead": ({"controller": {"replicas": 0}}, "/controller/replicas': minimum: got 0, want 1"),
    "a data path that is none": ({"speaker": {"dataPath": "cilium"}}, "/speaker/dataPath': 'cilium' does not match"),
    "a CPU limit": ({"speaker": {"resources": {"limits": {"cpu": 1}}}}, "/speaker/resources/limits/cpu': false schema"),
    "an IPv6 address without brackets": ({"speaker": {"listenAddress": "::"}}, "/speaker/listenAddress': '::' does not"),
    "Secrets without a namespace": ({"passwordSecrets": ["tor1"]}, "/passwordSecrets': got array, want object"),
    "a namespace without Secrets": ({"passwordSecrets": {"a": []}}, "/passwordSecrets/a': minItems: got 0, want 1"),
    "a number for a word": ({"logLevel": 3}, "/logLevel': value must be one of"),
    "an address as CIDR": ({"networkPolicy": {"apiServerCIDRs": ["10.0.0.1"]}}, "/networkPolicy/apiServerCIDRs/0'"),
}


@pytest.mark.parametrize(("values", "said"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_value_is_refused_and_named(values: Mapping[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=r"values don't meet the specifications of the schema") as refused:
        await render("herald", values)
    assert said in str(refused.value)


async def test_all_values_are_in_the_schema() -> None:
    """Also those that are commented in values.yaml as free."""
    monitor = {"enabled": True, "interval": "30s", "labels": {"release": "a"}}
    rule = {"enabled": True, "labels": {"release": "a"}, "runbooks": "https://wiki.example.org/herald"}
    await render("herald", {**EVERYTHING, "podMonitor": monitor, "prometheusRule": rule})


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
@pytest.mark.parametrize(("word", "kind"), [("controller", "Deployment"), ("speaker", "DaemonSet")])
async def test_the_programs_know_the_flags_that_they_are_given(word: str, kind: str, values: Mapping[str, Any]) -> None:
    of_pod = container(await render("herald", values), kind)
    wanted = {"POD_NAME": "pod", "POD_NAMESPACE": "ns", "NODE_NAME": "node1", "HOST_IP": "10.0.0.7"}
    if "[$(HOST_IP)]" in str(of_pod["args"]):
        wanted["HOST_IP"] = "fd00::7"
    given = {each["name"] for each in of_pod["env"]}
    arguments = [str(argument) for argument in of_pod["args"]]
    for name in given & wanted.keys():
        arguments = [argument.replace(f"$({name})", wanted[name]) for argument in arguments]
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(f"herald.cli.{word}").add_parser(parser.add_subparsers())
    parsed = parser.parse_args(arguments)
    assert parsed.listen.port == of_pod["ports"][0]["containerPort"]
    assert "$(" not in str(vars(parsed))


async def test_definitions_outlive_the_release() -> None:
    for definition in await render("herald-crds"):
        annotations = definition["metadata"]["annotations"]
        assert annotations == {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false"}
    assert not [each for each in await render("herald") if each["kind"] == "CustomResourceDefinition"]


def test_what_is_rendered_for_kustomize_is_what_the_chart_renders(tmp_path: Path) -> None:
    subprocess.run([CHECKOUT / "scripts" / "render-kustomize.sh", tmp_path], check=True, timeout=20)
    for folder in (*COMPONENTS, "rendered"):
        fresh, committed = (
            {file.name: file.read_text() for file in (at / folder).iterdir()} for at in (tmp_path, KUSTOMIZE)
        )
        assert committed == fresh, "run: scripts/render-kustomize.sh"


async def test_kustomize_installs_the_same_as_helm(new_api_server: ApiServer) -> None:
    def names(objects: list[Manifest]) -> set[tuple[str, str]]:
        return {(each["kind"], each["metadata"]["name"]) for each in objects}

    await kubectl(
        new_api_server.admin, "apply", "--server-side", "--force-conflicts", "-k", str(CHECKOUT / "deploy/kustomize")
    )
    said = await kubectl(new_api_server.admin, "get", "-o", "json", "-k", str(CHECKOUT / "deploy/kustomize"))
    found = json.loads(said)["items"]
    wanted = [*await render("herald-crds"), *await render("herald"), manifests.namespace(NAMESPACE)]
    assert names(found) == names(wanted)
    for definition in (each for each in found if each["kind"] == "CustomResourceDefinition"):
        assert definition["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"


@pytest.mark.parametrize("component", COMPONENTS)
async def test_a_component_adds_what_its_values_add_to_the_chart(
    api_server: ApiServer, component: str, tmp_path: Path
) -> None:
    def named(objects: list[Manifest]) -> dict[str, Manifest]:
        return {f"{each['kind']} {each['metadata']['name']}": each for each in objects}

    shutil.copytree(KUSTOMIZE / component, tmp_path / component)
    (tmp_path / "kustomization.yaml").write_text(f"kind: Kustomization\ncomponents: [{component}]\n")
    built = list(yaml.safe_load_all(await kubectl(api_server.admin, "kustomize", str(tmp_path))))
    default, switched_on = await render("herald"), await render("herald", COMPONENTS[component])
    added = {name: each for name, each in named(switched_on).items() if name not in named(default)}
    assert added
    assert named(built) == added


async def test_what_helm_installs_it_takes_away_again_but_for_the_definitions(
    new_api_server: ApiServer, tmp_path: Path
) -> None:
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")

    async def helm(*arguments: str) -> None:
        await run(str(programs.helm()), *arguments, "--kubeconfig", str(kubeconfig), "--namespace", NAMESPACE)

    await helm("install", "herald-crds", str(CHARTS / "herald-crds"), "--create-namespace")
    await helm("install", "herald", str(CHARTS / "herald"))
    await helm("upgrade", "herald", str(CHARTS / "herald"), "--set", "controller.replicas=3")
    client = new_api_server.client
    deployment = of_kind(await render("herald"), "Deployment")
    assert client.get(client.path_of(deployment))["spec"]["replicas"] == 3
    await helm("uninstall", "herald")
    await helm("uninstall", "herald-crds")
    with pytest.raises(ApiError, match="not found"):
        client.get(client.path_of(deployment))
    for definition in await render("herald-crds"):
        assert client.get(client.path_of(definition))["metadata"]["name"] == definition["metadata"]["name"]
