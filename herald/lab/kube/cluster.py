"""A cluster on a lab: the API server on the machine `control`, the lab's nodes as Node objects, a kube-proxy on each.

A VIP in a Service's status then answers on every node whose kube-proxy lets it, through kube-proxy's own nftables rules,
with the address on no device. Endpoints are programs on the nodes. All of it ends with the lab.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException

from herald.lab import manifests
from herald.lab.command import LabError
from herald.lab.kube import helm, programs
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.audit import Audit
from herald.lab.lab import Lab
from herald.lab.namespace import inside
from herald.lab.process import Process
from herald.lab.topology import Control
from herald.lab.waiting import until

PROXY_USER = "system:kube-proxy"
"""Kubernetes itself binds this user to the ClusterRole system:node-proxier."""
PROXY_HEALTH_PORT = 10256
PROXY_TIMEOUT_S = 30.0
POD_NETWORKS = ("10.244.0.0/16", "fd00:244::/64")
ASK_TIMEOUT_S = 1.0


@dataclass(slots=True, kw_only=True)
class Cluster:
    """The lab's topology has a control plane. The API server takes `users`, `node_ports` and `flags` as ApiServer says."""

    lab: Lab
    users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    node_ports: str = "30000-32767"
    flags: Sequence[str] = ()
    proxies: dict[str, Process] = field(default_factory=dict)
    _api: ApiServer | None = None

    @property
    def api(self) -> ApiServer:
        if self._api is None:
            raise LabError("the cluster was not started")
        return self._api

    @property
    def audit(self) -> Audit:
        """Of Herald's programs."""
        return Audit(directory=self.lab.directory_of(self._control.name) / "kube", namespace=helm.NAMESPACE)

    async def start(self) -> None:
        """Returns when the API server is ready and every node's kube-proxy has written its rules."""
        control = self._control
        self._api = ApiServer(
            directory=self.audit.directory,
            start_program=lambda argv, name: self.lab.start(control.name, argv, name=name),
            host=str(control.addresses[0].ip),
            namespace=self.lab.namespace(control.name),
            users={**self.users, PROXY_USER: ()},
            node_ports=self.node_ports,
            flags=[*self.audit.flags(), *self.flags],
        )
        await self.api.start()
        self.api.client.apply(manifests.node(node) for node in self.lab.topology.nodes)
        for node in self.lab.topology.nodes:
            self.start_proxy(node.name)
        for node in self.lab.topology.nodes:
            await until(partial(self._proxy_is_healthy, node.name), PROXY_TIMEOUT_S)

    async def install(self) -> None:
        """Herald's charts: its kinds, rights and policies. Returns when the kinds are served. Nothing runs its workloads."""
        passwords = sorted(self.lab.topology.settings.passwords)
        await helm.install(self.api.client, {"passwordSecrets": {helm.NAMESPACE: passwords}} if passwords else {})

    def start_proxy(self, node: str) -> None:
        """Returns at once."""
        kubeconfig = self.lab.directory_of(node) / "kube-proxy.kubeconfig"
        self.api.user(PROXY_USER).write_kubeconfig(kubeconfig)
        self.proxies[node] = self.lab.start(
            node,
            [
                str(programs.kube_proxy()),
                f"--kubeconfig={kubeconfig}",
                "--proxy-mode=nftables",
                f"--hostname-override={node}",
                f"--cluster-cidr={','.join(POD_NETWORKS if self.lab.topology.settings.ipv6 else POD_NETWORKS[:1])}",
                f"--healthz-bind-address=0.0.0.0:{PROXY_HEALTH_PORT}",
                # In a namespace it may not set the kernel's conntrack limits, and would end if it tried.
                "--conntrack-max-per-core=0",
                "--conntrack-min=0",
                "--conntrack-tcp-timeout-established=0",
                "--conntrack-tcp-timeout-close-wait=0",
            ],
            name="kube-proxy",
        )

    @property
    def _control(self) -> Control:
        if self.lab.topology.control is None:
            raise LabError("this lab has no control plane: build it with Settings(control=True)")
        return self.lab.topology.control

    def _proxy_is_healthy(self, node: str) -> bool:
        proxy = self.proxies[node]
        if not proxy.running:
            raise LabError(f"kube-proxy of {node} ended with {proxy.returncode}: {proxy.output()[-500:]}")
        return inside(self.lab.namespace(node), _is_healthy)


def _is_healthy() -> bool:
    connection = HTTPConnection("127.0.0.1", PROXY_HEALTH_PORT, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004 -- OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
