"""Where the API server is and who we are to it: a kubeconfig file, or what every pod is given.

Names the files that this is read from, so that a change of any of them (a token or ca.crt rotated) is noticed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

Fingerprint: TypeAlias = tuple[tuple[Path, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigFile:
    """`context` None: the file's current one."""

    path: Path
    context: str | None = None

    def files(self) -> tuple[Path, ...]:
        """The file itself and what it refers to. Raises OSError, yaml.YAMLError."""
        with self.path.open(encoding="utf-8") as file:
            referred = _referred(yaml.safe_load(file))
            return (self.path, *(self.path.parent / path for path in referred))


@dataclass(frozen=True, slots=True, kw_only=True)
class InCluster:
    """The service account of the pod. The address of the server comes from the environment."""

    directory: Path = SERVICE_ACCOUNT

    @property
    def token(self) -> Path:
        return self.directory / "token"

    @property
    def ca(self) -> Path:
        return self.directory / "ca.crt"

    def files(self) -> tuple[Path, ...]:
        return self.token, self.ca


Access: TypeAlias = KubeconfigFile | InCluster


def fingerprint(files: tuple[Path, ...]) -> Fingerprint:
    """Differs when one of the files was written or replaced. A file that is missing counts as one that never changes."""

    def entries() -> Iterator[tuple[Path, int, int, int]]:
        for path in files:
            try:
                status = path.stat()  # follows the symbolic link that a projected volume swaps
            except OSError:
                continue
            yield path, status.st_ino, status.st_size, status.st_mtime_ns

    return tuple(entries())


_REFERRING = {"certificate-authority", "client-certificate", "client-key", "tokenFile"}


def _referred(node: Any) -> Iterator[str]:  # noqa: ANN401 -- plain YAML values
    match node:
        case Mapping():
            for key, value in node.items():
                if key in _REFERRING and isinstance(value, str):
                    yield value
                else:
                    yield from _referred(value)
        case list():
            for value in node:
                yield from _referred(value)
