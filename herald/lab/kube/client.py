"""A small blocking client of the API server: what a test or the demo does as the cluster's people and its other programs.

Nothing of Herald's own client is used, so that this is a second opinion. Every call blocks for some milliseconds.
"""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from herald.lab.command import LabError
from herald.lab.kube.access import Access
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside

TIMEOUT_S = 10.0
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
FIELD_MANAGER = "lab"

T = TypeVar("T")


class ApiError(LabError):
    """What the server refused, with its status code; 0 if it did not answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Resource(NamedTuple):
    """How the server serves a kind."""

    plural: str
    namespaced: bool
    has_status: bool


class Client:
    """Speaks to one API server as one user."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._resources: dict[tuple[str, str], _Resource] = {}

    def request(self, method: str, path: str, body: Manifest | None = None, *, content_type: str = JSON) -> Any:  # noqa: ANN401 -- JSON
        """The server's answer. ApiError if it is a refusal or if there is none."""
        return self._connected(lambda connection: _send(connection, method, path, body, content_type, self._access.token))

    def get(self, path: str) -> Manifest:
        found: Manifest = self.request("GET", path)
        return found

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Server-side apply of each, in this order, over one connection. A status is merged, where there is one."""

        def apply_all(connection: HTTPSConnection) -> None:
            for manifest in manifests:
                self._apply(connection, manifest)

        self._connected(apply_all)

    def merge(self, manifest: Manifest, change: Mapping[str, object], *, subresource: str = "") -> None:
        """Merge patch of the object that this manifest names."""
        self._connected(lambda connection: self._patch(connection, manifest, dict(change), MERGE_PATCH, subresource))

    def delete(self, manifest: Manifest) -> None:
        self._connected(
            lambda connection: _send(connection, "DELETE", self._path(connection, manifest), None, JSON, self._access.token)
        )

    def path_of(self, manifest: Manifest) -> str:
        """Where the server has this object."""
        return self._connected(lambda connection: self._path(connection, manifest))

    def _apply(self, connection: HTTPSConnection, manifest: Manifest) -> None:
        body = {key: value for key, value in manifest.items() if key != "status"}
        self._patch(connection, manifest, body, APPLY_PATCH, "")
        if "status" in manifest and self._resource(connection, manifest).has_status:
            # No apply: it takes no Node with addresses of both families, since it keeps one for each type.
            self._patch(connection, manifest, {"status": manifest["status"]}, MERGE_PATCH, "status")

    def _patch(
        self, connection: HTTPSConnection, manifest: Manifest, body: Manifest, content_type: str, subresource: str
    ) -> None:
        path = self._path(connection, manifest) + (f"/{subresource}" if subresource else "")
        query = f"?fieldManager={FIELD_MANAGER}" + ("&force=true" if content_type == APPLY_PATCH else "")
        _send(connection, "PATCH", path + query, body, content_type, self._access.token)

    def _path(self, connection: HTTPSConnection, manifest: Manifest) -> str:
        metadata, resource = manifest["metadata"], self._resource(connection, manifest)
        place = f"/namespaces/{metadata.get('namespace', 'default')}" if resource.namespaced else ""
        return f"{_root(manifest)}{place}/{resource.plural}/{metadata['name']}"

    def _resource(self, connection: HTTPSConnection, manifest: Manifest) -> _Resource:
        """Asked of the server, once."""
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        if (api_version, kind) not in self._resources:
            served = _send(connection, "GET", _root(manifest), None, JSON, self._access.token)["resources"]
            with_status = {each["name"].removesuffix("/status") for each in served if each["name"].endswith("/status")}
            for each in served:
                if "/" not in each["name"]:
                    resource = _Resource(each["name"], each["namespaced"], each["name"] in with_status)
                    self._resources[api_version, each["kind"]] = resource
        if (api_version, kind) not in self._resources:
            raise ApiError(404, f"the API server serves no {kind} of {api_version}")
        return self._resources[api_version, kind]

    def _connected(self, work: Callable[[HTTPSConnection], T]) -> T:
        """The result of work with a new connection, in the namespace from which the server can be reached."""

        def connect_and_work() -> T:
            address = urlsplit(self._access.url).netloc
            trust = ssl.create_default_context(cafile=self._access.ca)
            with closing(HTTPSConnection(address, timeout=TIMEOUT_S, context=trust)) as connection:
                try:
                    return work(connection)
                except (OSError, HTTPException) as error:
                    raise ApiError(0, f"{self._access.url} does not answer: {error!r}") from error

        namespace = self._access.namespace
        return connect_and_work() if namespace is None else inside(namespace, connect_and_work)


def _root(manifest: Manifest) -> str:
    api_version = manifest["apiVersion"]
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _send(connection: HTTPSConnection, method: str, path: str, body: Manifest | None, content_type: str, token: str) -> Any:  # noqa: ANN401 -- JSON
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type, "Accept": "*/*"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= 400:  # noqa: PLR2004 -- HTTP's first code of an error
        raise ApiError(answer.status, f"{method} {path}: {answer.status} {_message(content)}")
    return json.loads(content) if answer.headers.get_content_type() == JSON else content.decode()


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")
