"""The corrections fit the pinned ExaBGP, and only that one."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

from exabgp.bgp.message.open import holdtime  # type: ignore[import-untyped]
from exabgp.reactor import delay  # type: ignore[import-untyped]
from exabgp.reactor.network import outgoing  # type: ignore[import-untyped]
from exabgp.version import release  # type: ignore[import-untyped]

from speaker.exabgp import config, launch, shim

PARTS = launch.Parts(outgoing, delay, holdtime, Exception)
ROOT = Path(__file__).parents[3]
CHECK_SOCKET = """
import socket
import time
from exabgp.bgp.message.open import holdtime
from exabgp.environment import getenv
from exabgp.logger import log
from exabgp.protocol.family import AFI
from exabgp.reactor import delay
from exabgp.reactor.network import outgoing
from exabgp.reactor.network.error import NotConnected
from speaker.exabgp import launch

log.init(getenv())
launch.correct(launch.Parts(outgoing, delay, holdtime, NotConnected), launch.Times(90, 20, 7))
closed = socket.create_server(("127.0.0.1", 0))
port = closed.getsockname()[1]
connection = outgoing.Outgoing(AFI.ipv4, "127.0.0.1", "127.0.0.1", port)
attempt = connection.establish()
while not next(attempt):
    pass
def option(number):
    return connection.io.getsockopt(socket.IPPROTO_TCP, number)
print(option(socket.TCP_NODELAY), option(socket.TCP_SYNCNT))
closed.close()
refused = outgoing.Outgoing(AFI.ipv4, "127.0.0.1", "127.0.0.1", port)
try:
    for _ in refused.establish():
        pass
except NotConnected as error:
    print(error)
connection.io, unread = socket.socketpair()
connection.io.setblocking(False)
try:
    while True:
        connection.io.send(bytes(1 << 16))
except BlockingIOError:
    pass
begun = time.monotonic()
print(connection.writing(), time.monotonic() - begun > 0.004)
pause = delay.Delay()
for _ in range(20):
    pause.increase()
print(pause._next)
pause.reset()
up = time.time()
pause.increase()
print(round(pause._time - up))
print([holdtime.HoldTime(negotiated).keepalive() for negotiated in (90, 60, 9, 0)])
"""


def test_the_pinned_exabgp_is_as_expected() -> None:
    assert launch.unexpected(release, PARTS) == []


def test_another_version_or_another_signature_is_named() -> None:
    changed = SimpleNamespace(create=lambda afi: afi, ready=outgoing.ready, Outgoing=outgoing.Outgoing)
    problems = launch.unexpected("5.0.16", PARTS._replace(outgoing=cast("ModuleType", changed)))
    assert problems == ["version is 5.0.16, not 5.0.15", "create(afi) is not create(afi, interface=None)"]


def test_sockets_do_not_wait_a_refused_connect_has_its_reason_and_times_are_as_configured() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK_SOCKET], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.splitlines() == [
        "1 1",
        "Connection refused",
        "False True",
        "7",
        "15",
        "[20, 20, 3, 0]",
    ], done.stderr
    assert f"{launch.CONNECT_FAILED}Connection refused" in done.stderr.splitlines()


def test_programs_that_share_no_code_share_their_words() -> None:
    assert launch.PARENT_VARIABLE == shim.PARENT_VARIABLE
    assert launch.HOLD_TIME_VARIABLE == config.HOLD_TIME_VARIABLE
    assert launch.KEEPALIVE_TIME_VARIABLE == config.KEEPALIVE_TIME_VARIABLE
    assert launch.CONNECT_RETRY_VARIABLE == config.CONNECT_RETRY_VARIABLE


def test_after_a_session_exabgp_waits_until_it_has_been_ended() -> None:
    assert launch.LAST_PAUSE_S > shim.DEADLINE_S + shim.GRACE_S
