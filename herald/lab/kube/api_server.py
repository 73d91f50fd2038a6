"""A real kube-apiserver with its etcd, RBAC on, for a lab or for a test alone. Ready in about three seconds.

There is no kubelet, scheduler or controller-manager: whoever uses it makes Nodes, EndpointSlices and Pods itself, and no
namespace ever ends. Everything it writes is in its directory; what it has stored outlives `stop` and `start`.
"""

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from herald.lab import process
from herald.lab.command import LabError
from herald.lab.kube import programs
from herald.lab.kube.access import Access
from herald.lab.kube.certificates import Certificates
from herald.lab.kube.client import ApiError, Client
from herald.lab.process import Process
from herald.lab.waiting import until

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
ADMIN = "admin"
ADMIN_GROUPS = ("system:masters",)
SERVICE_CIDRS = "10.96.0.0/16,fd00:10:96::/112"
"""Of both families, for Services that want both. The first one is the family of all others."""

Start = Callable[[Sequence[str], str], Process]
"""Starts a program under a name, where the server is to run."""


class Ports(NamedTuple):
    api: int
    etcd: int
    etcd_peer: int


LAB_PORTS = Ports(6443, 2379, 2380)
"""In a network namespace of its own nobody else has them."""


@dataclass(slots=True, kw_only=True)
class ApiServer:
    """`host`: the address that clients use. `users`: by name the groups of users beside the admin, each with a token.

    `node_ports`: 10,000 Services with externalTrafficPolicy Local need as many healthCheckNodePorts. `flags` are added.
    """

    directory: Path
    start_program: Start
    host: str
    ports: Ports = LAB_PORTS
    namespace: str | None = None
    users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    node_ports: str = "30000-32767"
    flags: Sequence[str] = ()
    _tokens: dict[str, str] = field(default_factory=dict)
    _etcd: Process | None = None
    _server: Process | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ip_address(self.host).version == 6 else self.host  # noqa: PLR2004
        return f"https://{host}:{self.ports.api}"

    @property
    def etcd_url(self) -> str:
        """Of etcd's own API, with its JSON gateway."""
        return f"http://127.0.0.1:{self.ports.etcd}"

    @property
    def ca(self) -> Path:
        return self._certificates.ca

    @property
    def process(self) -> Process:
        """The running kube-apiserver."""
        if self._server is None:
            raise LabError("the API server was not started")
        return self._server

    @property
    def admin(self) -> Access:
        return self.user(ADMIN)

    @property
    def client(self) -> Client:
        """As admin."""
        return Client(self.admin)

    def user(self, name: str) -> Access:
        """As one of `users`."""
        return Access(url=self.url, ca=self.ca, token=self._tokens[name], namespace=self.namespace)

    async def start(self) -> None:
        """Returns when it is ready. LabError with its last words if it ends instead, TimeoutError."""
        if self._etcd is None:
            await self._prepare()
            self._etcd = self.start_program(self._etcd_argv(), "etcd")
        self._server = self.start_program(self._server_argv(), "kube-apiserver")
        await until(self._is_ready, START_TIMEOUT_S)

    async def stop(self) -> None:
        """The server ends: connections are refused until `start`. Its store stays."""
        self.thaw()
        await self.process.end(STOP_TIMEOUT_S)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def renew_certificates(self) -> None:
        """A new CA and a new certificate, for whoever reads `ca` from now on; the server is restarted with them."""
        await self._certificates.renew(self._hosts)
        await self.restart()

    def freeze(self) -> None:
        """The server stands still: connections are accepted and nothing is answered."""
        self.process.stop()

    def thaw(self) -> None:
        self.process.cont()

    async def end(self) -> None:
        """Ends the server and its store, in this order."""
        for each in (self._server, self._etcd):
            if each is not None:
                each.cont()
                await each.end(STOP_TIMEOUT_S)

    @property
    def _certificates(self) -> Certificates:
        return Certificates(self.directory / "pki")

    @property
    def _hosts(self) -> list[str]:
        return [self.host, "127.0.0.1", "localhost", "kubernetes.default.svc"]

    async def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        await self._certificates.make(self._hosts)
        users = {ADMIN: ADMIN_GROUPS, **self.users}
        self._tokens = {name: secrets.token_hex(16) for name in users}
        lines = (f'{self._tokens[name]},{name},{name},"{",".join(groups)}"\n' for name, groups in users.items())
        self._token_file.touch(mode=0o600)
        self._token_file.write_text("".join(lines))

    @property
    def _token_file(self) -> Path:
        return self.directory / "tokens.csv"

    def _is_ready(self) -> bool:
        for each in (self._etcd, self._server):
            if each is not None and not each.running:
                said = each.output().splitlines()
                raise LabError(f"{each.name} ended with {each.returncode}; its last words: {said[-1] if said else 'none'}")
        try:
            self.client.request("GET", "/readyz")
        except ApiError:
            return False
        return True

    def _etcd_argv(self) -> list[str]:
        client, peer = self.etcd_url, f"http://127.0.0.1:{self.ports.etcd_peer}"
        return [
            str(programs.etcd()),
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        ]

    def _server_argv(self) -> list[str]:
        certificates = self._certificates
        return [
            str(programs.kube_apiserver()),
            f"--etcd-servers={self.etcd_url}",
            f"--bind-address={'127.0.0.1' if self.namespace is None else '::'}",
            f"--advertise-address={self.host}",
            f"--secure-port={self.ports.api}",
            f"--tls-cert-file={certificates.server}",
            f"--tls-private-key-file={certificates.server_key}",
            f"--service-account-key-file={certificates.service_accounts}",
            f"--service-account-signing-key-file={certificates.service_accounts}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={self._token_file}",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={SERVICE_CIDRS}",
            f"--service-node-port-range={self.node_ports}",
            "--disable-admission-plugins=ServiceAccount",  # would wait for what a controller-manager makes
            "--endpoint-reconciler-type=none",  # nobody asks for the Service `kubernetes`
            *self.flags,
        ]


@asynccontextmanager
async def api_server(
    directory: Path,
    *,
    users: Mapping[str, Sequence[str]] | None = None,
    node_ports: str = "30000-32767",
    flags: Sequence[str] = (),
) -> AsyncIterator[ApiServer]:
    """One on free ports of the loopback address, for a test that needs no lab and no root. The directory exists."""

    def start(argv: Sequence[str], name: str) -> Process:
        return process.start(None, argv, name=name, log=directory / f"{name}.log")

    server = ApiServer(
        directory=directory,
        start_program=start,
        host="127.0.0.1",
        ports=_free_ports(),
        users=users or {},
        node_ports=node_ports,
        flags=flags,
    )
    try:
        await server.start()
        yield server
    finally:
        await server.end()


def _free_ports() -> Ports:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in Ports._fields]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return Ports(*(each.getsockname()[1] for each in sockets))
