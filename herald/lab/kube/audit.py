"""What Herald's programs asked of the API server, and what it refused them: read from its own audit log.

With this, rights are compared with what is really used, whatever the programs believe that they ask for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import msgspec
import yaml

from herald.lab.manifests import Manifest

DECISION = "authorization.k8s.io/decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`user` is a service account without its namespace; `resource` as RBAC writes it, such as services/status.

    `code` 0: it is not answered yet, as a watch.
    """

    user: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int

    @property
    def refused(self) -> bool:
        """By RBAC or by a policy."""
        return self.code == HTTPStatus.FORBIDDEN

    @property
    def verbs(self) -> frozenset[str]:
        """What RBAC was asked for: an apply that makes its object is both."""
        made = self.verb == "patch" and self.code == HTTPStatus.CREATED
        return frozenset({self.verb, "create"} if made else {self.verb})


class _User(msgspec.Struct, frozen=True):
    username: str


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    resource: str = ""
    subresource: str = ""
    api_group: str = ""
    namespace: str = ""
    name: str = ""


class _Status(msgspec.Struct, frozen=True):
    code: int = 0


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    user: _User
    verb: str
    object_ref: _Reference | None = None
    response_status: _Status = _Status()
    annotations: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Of all service accounts of one namespace. `directory` is the API server's."""

    directory: Path
    namespace: str

    def flags(self) -> Sequence[str]:
        """For the API server, which can be started with them from now on."""
        policy: Manifest = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "Metadata", "userGroups": [f"system:serviceaccounts:{self.namespace}"]},
                {"level": "None"},
            ],
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "audit-policy.yaml"
        path.write_text(yaml.safe_dump(policy, sort_keys=False))
        return [f"--audit-policy-file={path}", f"--audit-log-path={self._log}"]

    def calls(self) -> Iterator[Call]:
        """All so far that were about objects."""
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            for line in log:
                event = msgspec.json.decode(line, type=_Event)
                if event.object_ref is not None:
                    yield _call(event, event.object_ref)

    def refusals(self) -> list[Call]:
        return [call for call in self.calls() if call.refused]

    @property
    def _log(self) -> Path:
        return self.directory / "audit.log"


def _call(event: _Event, about: _Reference) -> Call:
    refused = event.annotations.get(DECISION) == "forbid"
    return Call(
        user=event.user.username.rpartition(":")[2],
        verb=event.verb,
        group=about.api_group,
        resource="/".join(filter(None, (about.resource, about.subresource))),
        namespace=about.namespace,
        name=about.name,
        code=HTTPStatus.FORBIDDEN if refused else event.response_status.code,
    )
