"""`herald drain` and `herald undrain` as an operator runs them, against a lab's deployment."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from herald.kube.directory.drains import DRAINS
from herald.lab.deployment import Deployment
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.kube.helm import NAMESPACE
from herald.lab.kube.tokens import pod_token
from herald.lab.namespace import NAMESPACES
from herald.lab.topology import CONTROL

TIMEOUT_S = 40.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    lines: list[str]
    error: str


@dataclass(frozen=True, slots=True)
class Operator:
    """`where` are the flags that say where Drain objects are; `namespace` the network that the commands run in."""

    where: tuple[str, ...]
    namespace: str

    async def drain(self, *words: str) -> Answer:
        return await self._run("drain", *words)

    async def undrain(self, node: str) -> Answer:
        return await self._run("undrain", node)

    async def _run(self, *words: str) -> Answer:
        pipe = asyncio.subprocess.PIPE
        inside = ["nsenter", f"--net={NAMESPACES / self.namespace}", "--"]
        argv = [*inside, sys.executable, "-m", "herald", *words, *self.where]
        process = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(TIMEOUT_S):
            out, error = await process.communicate()
        return Answer(process.returncode or 0, out.decode().splitlines(), error.decode().strip())


def on_folder(deployment: Deployment) -> Operator:
    where = ("--manifests", str(deployment.manifests), "--state", str(deployment.state))
    return Operator(where, deployment.lab.namespace("client"))


def on_server(deployment: KubeDeployment) -> Operator:
    """With the rights that the chart's ClusterRole herald-drain gives, and no others."""
    api, name = deployment.cluster.api, "herald-drain"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }
    api.client.apply([binding])
    kubeconfig = deployment.directory / f"{name}.kubeconfig"
    token = pod_token(api.client, namespace=NAMESPACE, service_account=name, pod=name)
    api.admin.with_token(token).write_kubeconfig(kubeconfig)
    return Operator(("--kubeconfig", str(kubeconfig)), deployment.lab.namespace(CONTROL))


def said(deployment: Deployment, drain: str) -> str:
    """What the controller says of this Drain in the state folder; empty if it says nothing."""
    path: Path = deployment.state / DRAINS / f"{drain}.json"
    return path.read_text() if path.exists() else ""
