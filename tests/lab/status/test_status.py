"""`herald status` against speakers that run: what it says is what the routers have."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from herald.lab import manifests
from herald.lab.deployment import Deployment
from herald.lab.namespace import NAMESPACES
from herald.lab.waiting import until
from speaker.status_socket import NAME
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab


def status(deployment: Deployment, machine: str, *words: str) -> Any:
    """Its JSON, as run on that machine."""
    net = f"--net={NAMESPACES / deployment.lab.namespace(machine)}"
    argv = ["nsenter", net, "--", sys.executable, "-m", "herald", "status", *words, "-o", "json"]
    return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def runtime_dir(deployment: Deployment, node: str) -> Path:
    return deployment.lab.directory_of(node) / "run"


def local(deployment: Deployment, node: str, *words: str) -> Any:
    """What the node's own speaker says of itself."""
    return status(deployment, node, *words, "--local", "--runtime-dir", str(runtime_dir(deployment, node)))["nodes"][0]


async def test_a_speaker_tells_what_is_on_the_wire_and_what_happened() -> None:
    async with fabric() as deployment:
        web = vip(deployment, "web")
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(everywhere(deployment), "node1", web), 5)
        told = local(deployment, "node1", "svc", "default/web")
        (service,) = told["services"]
        assert (service["vips"][0]["state"], service["vips"][0]["reason"]) == ("withdrawn", "noLocalEndpoint")
        assert [change["state"] for change in service["changes"]] == ["normal", "withdrawn"]
        other = local(deployment, "node2", "svc", "default/web")["services"][0]["vips"][0]
        assert [(route["peer"], route["onWire"]) for route in other["routes"]] == [
            ("node2-tor1", True),
            ("node2-tor2", True),
        ]
        assert {session["state"] for session in told["sessions"]} == {"Established"}


async def test_a_router_without_a_place_for_a_vip_is_named_and_the_other_has_it() -> None:
    async with fabric(services=("a", "b")) as deployment:
        network = list(manifests.network(deployment.lab.topology))
        for each in network:
            if each["metadata"]["name"].endswith("-tor1"):
                each["spec"]["maxPrefixes"] = 1
        deployment.write("network.yaml", manifests.dump(network))
        await until(lambda: set(deployment.next_hops("tor1")) == {vip(deployment, "a")}, 10)
        assert set(deployment.next_hops("tor2")) == {vip(deployment, "a"), vip(deployment, "b")}
        (service,) = local(deployment, "node1", "svc", "default/b")["services"]
        (told,) = service["vips"]
        assert (told["state"], told["reason"]) == ("normal", "prefixLimitSomewhere")
        assert [(route["peer"], route.get("withheld", "")) for route in told["routes"]] == [
            ("node1-tor2", ""),
            ("node1-tor1", "prefixLimit"),
        ]


async def test_the_socket_is_its_owners_and_goes_with_the_speaker() -> None:
    async with fabric() as deployment:
        path = runtime_dir(deployment, "node1") / NAME
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        deployment.speakers["node1"].terminate()
        await deployment.speakers["node1"].wait(10)
        assert not path.exists()
        deployment.start_speaker("node1")
        await until(path.exists, 10)


async def test_on_a_cluster_the_same_is_decided_again_and_a_lost_session_shows() -> None:
    async with fabric(kube=True) as deployment:
        (kubeconfig,) = deployment.directory.glob("controller-*.kubeconfig")
        access = deployment.cluster.api.admin  # type: ignore[attr-defined]  # of a KubeDeployment
        access.write_kubeconfig(kubeconfig.with_name("reader.kubeconfig"))
        words = ("--kubeconfig", str(kubeconfig.with_name("reader.kubeconfig")))
        await deployment.lab.cut("node1", "tor1")

        def down() -> bool:
            sessions = status(deployment, "control", *words)["nodes"][0]["sessions"]
            return {session["peer"]: session["state"] for session in sessions} == {
                "node1-tor1": "Down",
                "node1-tor2": "Established",
            }

        await until(down, 30)
        for node, of_cluster in zip(deployment.nodes, status(deployment, "control", *words)["nodes"], strict=True):
            own = local(deployment, node)["services"]
            for service in own:
                for route in (route for each in service["vips"] for route in each["routes"]):
                    del route["onWire"]
            assert of_cluster["services"] == own


async def test_the_check_of_a_node_names_a_foreign_bgp_speaker() -> None:
    async with fabric() as deployment:
        (own,) = [check for check in status(deployment, "node1", "--node") if check["what"] == "port 179"]
        assert own["verdict"] == "ok"
        tor = status_of_router(deployment)
        assert [check["found"].split(" ")[0] for check in tor if check["verdict"] == "warn"].count("bgpd") >= 1


def status_of_router(deployment: Deployment) -> list[dict[str, str]]:
    """A ToR of the lab runs another BGP program: FRR's bgpd."""
    checks: list[dict[str, str]] = status(deployment, "tor1", "--node", "--client", "10.9.0.10")
    return checks
