"""A speaker does all its work as the chart's pod has it: as nobody and without any capability."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import pytest

from herald.lab.command import run
from herald.lab.kube.cluster import Cluster
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.kube.helm import render
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside
from herald.lab.process import Process
from herald.lab.topology import Settings, rack
from herald.lab.waiting import until
from tests.lab.kube.speakers import assign, everywhere

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

VIP = "198.51.100.1"
TIMEOUT_S = 30.0


def as_container(context: Manifest) -> list[str]:
    """The command that makes of root what a container runtime makes of this securityContext."""
    capabilities = "".join(f",+{name.lower()}" for name in context["capabilities"].get("add", ()))
    assert context["capabilities"]["drop"] == ["ALL"]
    assert not context["allowPrivilegeEscalation"]
    return [
        "setpriv",
        f"--reuid={context['runAsUser']}",
        f"--regid={context['runAsGroup']}",
        "--clear-groups",
        f"--bounding-set=-all{capabilities}",
        "--inh-caps=-all",
        "--no-new-privs",
        "--",
    ]


@dataclass(kw_only=True)
class Contained(KubeDeployment):
    """Speakers run under `prefix`."""

    prefix: Sequence[str]

    def _source_flags(self, word: str, node: str | None = None) -> list[str]:
        """With files that are readable, as those that a pod is given."""
        flag, file = super()._source_flags(word, node)
        ca, kubeconfig = self.directory / "ca.crt", Path(file)
        ca.write_bytes(self.cluster.api.ca.read_bytes())
        kubeconfig.write_text(kubeconfig.read_text().replace(str(self.cluster.api.ca), str(ca)))
        kubeconfig.chmod(0o644)
        return [flag, file]

    def _herald(self, machine: str, word: str, flags: Sequence[str]) -> Process:
        argv = [*self.prefix, sys.executable, "-m", "herald", word, *flags]
        return self.lab.start(machine, argv, name=word, env=self.env)


async def test_a_speaker_without_any_capability_announces_with_a_password_and_ends_in_order() -> None:
    (daemon_set,) = (each for each in await render("herald") if each["kind"] == "DaemonSet")
    pod = daemon_set["spec"]["template"]["spec"]
    (init,), (program,) = pod["initContainers"], pod["containers"]
    async with Lab(rack(Settings(nodes=1, control=True, passwords={"node1-tor1": "opensesame"}))) as lab:
        cluster = Cluster(lab=lab)
        await cluster.start()
        await cluster.install()
        prefix = as_container(program["securityContext"])
        deployment = Contained(lab=lab, examples=None, speaker_flags=(), cluster=cluster, prefix=prefix)
        deployment.prepare()
        deployment.write_secret("node1-tor1", "opensesame")
        deployment.write_service("web")
        assign(deployment, "web", VIP)
        directory = lab.directory_of("node1") / "run"
        for _ in range(2):  # the second time as after a restart of the pod
            await prepare(directory, init)
        deployment.start_speaker("node1")
        await until(lambda: answer(lab, "/livez") == HTTPStatus.OK, TIMEOUT_S)
        await deployment.routed(everywhere(deployment, VIP), TIMEOUT_S)
        assert answer(lab, "/readyz") == HTTPStatus.OK
        assert capabilities_of(deployment.speakers["node1"].pid) == {"CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}
        assert await deployment.speakers["node1"].end() == 0
        await deployment.routed({}, 5)


def answer(lab: Lab, probe: str) -> int:
    """The status code, as the kubelet gets it; 0 before the program listens."""

    def ask() -> int:
        with closing(HTTPConnection("127.0.0.1", 7473, timeout=1)) as connection:
            try:
                connection.request("GET", probe)
                return connection.getresponse().status
            except OSError:
                return 0

    return inside(lab.namespace("node1"), ask)


async def prepare(directory: Path, init: Manifest) -> None:
    """As the kubelet and the init container do."""
    await run("mkdir", "-p", str(directory))
    (mount,) = init["volumeMounts"]
    command = [str(directory) if word == mount["mountPath"] else word for word in init["command"]]
    await run(*as_container(init["securityContext"]), *command)


def capabilities_of(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {name: int(value, 16) for name, _, value in (line.partition(":\t") for line in lines) if name.startswith("Cap")}
    del found["CapInh"]  # what a program may inherit that it is given by nobody
    return found
