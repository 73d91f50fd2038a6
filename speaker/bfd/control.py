"""The program's end of the control socket: takes wishes, tells changes. Never waits for the other side.

Several may be connected, such as an old speaker and its successor: the last wish counts, all are told. One that does not
read, or says what is no wish, is disconnected; it gets a snapshot when it comes back.
"""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from selectors import EVENT_READ, BaseSelector

from herald.program.logs import fields
from speaker.bfd import messages
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status

log = logging.getLogger(__name__)

CHUNK = 65536
BUFFER = 4 * 2**20


class ControlServer:
    """Listens at `path`, for its owner only. The selector calls what is registered with it as data.

    `snapshot` makes the line that tells all there is.
    """

    def __init__(
        self,
        path: Path,
        selector: BaseSelector,
        *,
        want: Callable[[Mapping[Hop, Profile]], None],
        snapshot: Callable[[], bytes],
    ) -> None:
        self._path = path
        self._selector = selector
        self._want = want
        self._snapshot = snapshot
        self._clients: dict[socket.socket, bytearray] = {}
        path.unlink(missing_ok=True)  # of a program that was killed: this one has the UDP port, so it is the only one
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.bind(str(path))
        path.chmod(0o600)
        if os.geteuid() == 0:  # for real time; the speaker, whose directory it is, need not be
            os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
        self._listener.listen()
        selector.register(self._listener, EVENT_READ, self._accept)

    def tell(self, status: Status) -> None:
        """A session's state has changed."""
        self._tell(messages.encode_change(status))

    def close(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # gone again
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._clients[client] = bytearray()
        self._selector.register(client, EVENT_READ, lambda: self._read(client))
        self._send(client, self._snapshot())

    def _read(self, client: socket.socket) -> None:
        received = self._clients.get(client)
        if received is None:
            return  # dropped while another was served
        try:
            chunk = client.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        received += chunk
        if not chunk or len(received) > messages.MAX_LINE:
            self._drop(client)
            return
        *lines, rest = bytes(received).split(b"\n")
        received[:] = rest
        if lines:
            self._obey(client, lines[-1])

    def _obey(self, client: socket.socket, line: bytes) -> None:
        """Each line says all, so the last one does."""
        try:
            wanted = messages.decode_want(line)
        except messages.MessageError as error:
            log.warning("not understood, disconnected", extra=fields(error=error))
            self._drop(client)
            return
        self._want(wanted)
        self._tell(self._snapshot())

    def _tell(self, line: bytes) -> None:
        for client in list(self._clients):
            self._send(client, line)

    def _send(self, client: socket.socket, line: bytes) -> None:
        try:
            whole = client.send(line) == len(line)
        except OSError:
            whole = False
        if not whole:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._selector.unregister(client)
        client.close()
