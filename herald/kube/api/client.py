"""The one file that knows kubernetes.aio: its config loaders, its addresses and headers, and raw bytes back.

No generated API class or model is used: they validate with pydantic and break with newer servers. Every call has a
timeout of its own. Credentials are read anew when one of their files changes; calls under way end on the old ones.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeAlias, assert_never

import aiohttp
import msgspec
import yaml
from kubernetes.aio.client import ApiClient as Library
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_kube_config
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from herald.kube.api.access import Access, Fingerprint, InCluster, KubeconfigFile, fingerprint
from herald.kube.api.connector import probed_connector
from herald.kube.api.errors import UnauthorizedError, UnreachableError, error_of
from herald.kube.api.tally import Tally

log = logging.getLogger("herald.kube.api")

JSON = "application/json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML

Query: TypeAlias = Sequence[tuple[str, str]]
Body: TypeAlias = Mapping[str, Any] | msgspec.Struct

CONNECT_S = 5.0
_REMEDY = "name a kubeconfig with --kubeconfig, or without a cluster a folder with --manifests"
_NO_ANSWER = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError


class _RestClient(RESTClientObject):
    """The library's own place for another connector; it would otherwise make one that notices nothing."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return probed_connector(self.ssl_context)


@dataclass(slots=True, eq=False)
class _Connections:
    """The library's client as the credentials were when they were read, and the calls that use it now."""

    library: Library
    files: tuple[Path, ...]
    read: Fingerprint
    calls: set[asyncio.Timeout] = field(default_factory=set)


class ApiClient:
    """Calls to one API server: `async with ApiClient(access) as client`. `timeout_s` is for a whole call, but no stream."""

    def __init__(self, access: Access, timeout_s: float = 10.0) -> None:
        self.tally = Tally()
        self._access = access
        self._timeout_s = timeout_s
        self._current: _Connections | None = None
        self._replaced: set[_Connections] = set()
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def get(self, path: str, query: Query = ()) -> bytes:
        """Raises ApiError or UnreachableError; so do all calls here."""
        return await self.send("GET", path, query=query)

    async def send(
        self, method: str, path: str, body: Body | None = None, *, query: Query = (), content_type: str = JSON
    ) -> bytes:
        """The body of the answer. That of the question is what becomes a JSON object."""
        async with self._request(method, path, body, query, content_type, within_s=self._timeout_s) as response:
            with _closed_is_unreachable():
                return await response.read()

    @asynccontextmanager
    async def stream(self, path: str, query: Query, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of the answer in pieces, as they come. `silence_s` is the longest time between two."""
        async with self._request("GET", path, None, query, JSON, silence_s=silence_s) as response:
            yield _pieces(response)

    async def hang_up(self) -> None:
        """Ends all connections, and the calls under way as unreachable. The next call makes new ones."""
        self._retire()
        for connections in list(self._replaced):
            for call in connections.calls:  # who reads from a connection that is closed would wait for ever
                call.reschedule(0.0)
            await self._close(connections)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        body: Body | None,
        query: Query,
        content_type: str,
        *,
        within_s: float | None = None,
        silence_s: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        # No `total`: an aiohttp that times out while its task is cancelled swallows the cancellation.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        try:
            async with asyncio.timeout(within_s), self._call() as library:
                _, url, headers, content, _ = await library.param_serialize(
                    method,
                    path,
                    query_params=list(query),
                    header_params={"Accept": JSON, "Content-Type": content_type},
                    body=None if body is None else msgspec.to_builtins(body),
                    auth_settings=["BearerToken"],
                )
                answer = await library.call_api(method, url, headers, content, _request_timeout=limits)
                response: aiohttp.ClientResponse = answer.response
                async with response:  # closes the connection if the body was not read to its end
                    if response.status >= HTTPStatus.BAD_REQUEST:
                        raise error_of(await response.read(), response.status, response.reason or "")
                    yield response
        except _NO_ANSWER as error:
            raise UnreachableError(str(error) or type(error).__name__) from error

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[Library]:
        """The last call on connections that have been replaced closes them. Raises TimeoutError when hung up."""
        async with self._connecting:
            connections = await self._up_to_date()
        try:
            async with asyncio.timeout(None) as call:
                connections.calls.add(call)
                try:
                    yield connections.library
                finally:
                    connections.calls.discard(call)
        except UnauthorizedError:
            if connections is self._current:  # the token has expired: the next call reads it again
                self._retire()
            raise
        finally:
            if connections in self._replaced and not connections.calls:
                await self._close(connections)

    def _retire(self) -> None:
        if self._current:
            self._replaced.add(self._current)
            self._current = None

    async def _close(self, connections: _Connections) -> None:
        self._replaced.discard(connections)
        await connections.library.close()

    async def _up_to_date(self) -> _Connections:
        """Made anew when the credentials have changed; if they cannot be read, those that there are must do."""
        current = self._current
        if current and fingerprint(current.files) == current.read:
            return current
        try:
            made = await _connect(self._access)
        except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:  # an SSLError is an OSError
            if current is None:
                why = (
                    f"{error.filename}: {error.strerror}"
                    if isinstance(error, OSError) and error.filename
                    else f"{error}".rstrip(".")
                )
                raise UnreachableError(f"the credentials cannot be read: {why}; {_REMEDY}") from error
            log.warning("the credentials have changed and cannot be read, the old ones stay in use: %s", error)
            current.read = fingerprint(current.files)  # not again before they change again
            return current
        self._retire()
        if current and not current.calls:
            await self._close(current)
        self._current = made
        return made


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _closed_is_unreachable():
        async for piece in response.content.iter_any():
            yield piece


@contextmanager
def _closed_is_unreachable() -> Iterator[None]:
    """What aiohttp says to who goes on reading from a connection that was closed meanwhile is a bare RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        raise UnreachableError(str(error)) from error


async def _connect(access: Access) -> _Connections:
    files = access.files()
    read = fingerprint(files)  # first: what changes while we read is read again
    configuration = Configuration()
    match access:
        case KubeconfigFile():
            await load_kube_config(str(access.path), access.context, configuration, persist_config=False)
        case InCluster():
            InClusterConfigLoader(str(access.token), str(access.ca), try_refresh_token=False).load_and_set(configuration)
        case _:
            assert_never(access)
    library = Library(configuration)
    library.rest_client = _RestClient(configuration)
    library.user_agent = "herald"
    return _Connections(library, files, read)
