"""Stands in for what a lab's cluster has not: kubelets, and the controllers of Kubernetes.

It runs what the Deployment and the DaemonSet on the API server say, with their own arguments, one process for a container;
reports them as available when their readiness probes answer; and makes a Service's EndpointSlice of the lab's HTTP servers.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any

from herald.lab import manifests
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.kube.client import ApiError
from herald.lab.kube.cluster import Cluster
from herald.lab.kube.helm import NAMESPACE
from herald.lab.kube.tokens import pod_token
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside
from herald.lab.process import Process
from herald.lab.topology import CONTROL
from herald.lab.waiting import until

WORKLOADS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
READY_S = 60.0
POLL_S = 0.2
ASK_S = 1.0


@dataclass(slots=True, kw_only=True)
class Kubelets:
    """`run` it as a task: it waits for the workloads and for the Service `web`, and does each thing once."""

    lab: Lab
    cluster: Cluster
    pods: dict[str, Process] = field(default_factory=dict)

    async def run(self) -> None:
        controller = await self._appears(f"{WORKLOADS}/deployments/herald-controller")
        speaker = await self._appears(f"{WORKLOADS}/daemonsets/herald-speaker")
        replicas, nodes = controller["spec"]["replicas"], [node.name for node in self.lab.topology.nodes]
        for number in range(replicas):
            # Pods have networks of their own; here they share one, so each has a port of its own.
            self._start(controller, f"herald-controller-{number}", CONTROL, ["--listen", f"127.0.0.1:{7472 + number * 10}"])
        for node in nodes:
            self._start(speaker, f"herald-speaker-{node}", node, ["--runtime-dir", str(self.lab.directory_of(node) / "run")])
        for number in range(replicas):
            await self._ready(f"herald-controller-{number}", CONTROL, "127.0.0.1", 7472 + number * 10)
        for node in nodes:
            await self._ready(f"herald-speaker-{node}", node, self._address(node), 7473)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        self._report(controller, dict.fromkeys(counts, replicas))
        scheduled = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled")
        self._report(
            speaker, dict.fromkeys((*scheduled, "numberReady", "numberAvailable"), len(nodes)) | {"numberMisscheduled": 0}
        )
        await self._appears("/api/v1/namespaces/default/services/web")
        self.cluster.api.client.apply([self._slice("web", nodes)])

    def _start(self, workload: Manifest, pod: str, machine: str, own: list[str]) -> None:
        """With the token of that pod. `own` is what only a container has of its own: a network, a directory."""
        spec = workload["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        node = machine if workload["kind"] == "DaemonSet" else None
        token = pod_token(
            self.cluster.api.client, namespace=NAMESPACE, service_account=spec["serviceAccountName"], pod=pod, node=node
        )
        kubeconfig = self.cluster.api.admin.with_token(token).write_kubeconfig(self.lab.directory / f"{pod}.kubeconfig")
        arguments = list(self._arguments(container, pod, machine))
        argv = [sys.executable, "-m", "herald", *arguments, "--kubeconfig", str(kubeconfig), *own]
        env = {"POD_NAME": pod, "POD_NAMESPACE": NAMESPACE}
        self.pods[pod] = self.lab.start(machine, argv, name=pod, env=env)

    def _arguments(self, container: Manifest, pod: str, machine: str) -> Iterator[str]:
        """As a kubelet has them: $(NAME) is a variable of the container, taken from its pod."""
        fields: dict[str, Callable[[], str]] = {
            "spec.nodeName": lambda: machine,
            "status.hostIP": lambda: self._address(machine),
            "metadata.name": lambda: pod,
            "metadata.namespace": lambda: NAMESPACE,
        }
        sources: list[dict[str, Any]] = [each for each in container["env"] if "valueFrom" in each]
        for argument in container["args"]:
            for each in sources:
                variable = f"$({each['name']})"
                if variable in argument:
                    argument = argument.replace(variable, fields[each["valueFrom"]["fieldRef"]["fieldPath"]]())  # noqa: PLW2901
            yield argument

    async def _ready(self, pod: str, machine: str, host: str, port: int) -> None:
        def answers() -> bool:
            assert self.pods[pod].running, f"{pod} ended: {self.pods[pod].output()[-500:]}"
            return inside(self.lab.namespace(machine), partial(_is_ready, host, port))

        await until(answers, READY_S)

    def _report(self, workload: Manifest, counts: dict[str, int]) -> None:
        status = {"status": {"observedGeneration": workload["metadata"]["generation"], **counts}}
        self.cluster.api.client.merge(workload, status, subresource="status")

    async def _appears(self, path: str) -> Manifest:
        """It is for the test to say that it takes too long."""
        while True:
            try:
                found: Manifest = self.cluster.api.client.get(path)
            except ApiError as error:
                if error.code != 404:
                    raise
                await asyncio.sleep(POLL_S)
            else:
                return found

    def _slice(self, service: str, nodes: Sequence[str]) -> Manifest:
        made = manifests.endpoint_slice(service, nodes)
        made["ports"] = [{"name": "http", "protocol": "TCP", "port": DEFAULT_PORT}]
        for endpoint in made["endpoints"]:
            endpoint["addresses"] = [self._address(endpoint["nodeName"])]
        return made

    def _address(self, node: str) -> str:
        return next(str(each.addresses[0].ip) for each in self.lab.topology.nodes if each.name == node)


def _is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=ASK_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
