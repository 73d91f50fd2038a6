"""The keys of an API server in the lab: a CA, the server's certificate, and the key that signs service account tokens.

Made by openssl in one directory. `renew` replaces CA and certificate as a cluster's rotation does; tokens stay valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from herald.lab.command import run
from herald.lab.kube import programs

CURVE = "prime256v1"
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{CURVE}", "-noenc")
DAYS = "2"


@dataclass(frozen=True, slots=True)
class Certificates:
    directory: Path

    @property
    def ca(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def server(self) -> Path:
        return self.directory / "apiserver.crt"

    @property
    def server_key(self) -> Path:
        return self.directory / "apiserver.key"

    @property
    def service_accounts(self) -> Path:
        """A private key, from which the server also takes the public one."""
        return self.directory / "service-accounts.key"

    async def make(self, hosts: Sequence[str]) -> None:
        """Everything, once. The server is known by these names and addresses."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In SEC 1 form: Kubernetes takes no public key from one in PKCS #8.
        await _openssl("ecparam", "-genkey", "-noout", "-name", CURVE, "-out", str(self.service_accounts))
        await self.renew(hosts)

    async def renew(self, hosts: Sequence[str]) -> None:
        """A new CA and a new certificate of the server, which reads it when it starts."""
        ca_key, new_ca = self.directory / "ca.key", self.directory / "ca.crt.new"
        names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)
        await _openssl(
            *("req", "-x509", *ELLIPTIC, "-days", DAYS, "-subj", "/CN=lab-ca"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(ca_key), "-out", str(new_ca)),
        )
        await _openssl(
            *("req", "-x509", *ELLIPTIC, "-days", DAYS, "-subj", "/CN=kube-apiserver"),
            *("-CA", str(new_ca), "-CAkey", str(ca_key), "-addext", "basicConstraints=critical,CA:FALSE"),
            *("-addext", f"subjectAltName={names}", "-keyout", str(self.server_key), "-out", str(self.server)),
        )
        new_ca.rename(self.ca)


async def _openssl(*arguments: str) -> None:
    await run(str(programs.openssl()), *arguments)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
