"""What one needs to speak to an API server as somebody: as values, and as a kubeconfig."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`ca`: the file of the CA that the server's certificate is from. `namespace`: the network namespace in which `url`
    can be reached; None: that of this process.
    """

    url: str
    ca: Path
    token: str
    namespace: str | None = None

    def with_token(self, token: str) -> Self:
        """As somebody else."""
        return replace(self, token=token)

    def write_kubeconfig(self, path: Path, *, token_file: Path | None = None) -> Path:
        """Readable by its owner only. `token_file`: the token is there, and may change, and is not in the kubeconfig."""
        user = {"token": self.token} if token_file is None else {"tokenFile": str(token_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "user"}}],
            "current-context": "lab",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path
