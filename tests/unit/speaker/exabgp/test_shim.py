"""The dead-man switch, with a real parent to end."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speaker.exabgp import shim

PARENT = """
import os, signal, subprocess, sys
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
environment = {**os.environ, "HERALD_EXABGP_PID": sys.argv[4] if len(sys.argv) > 4 else str(os.getpid())}
helper = subprocess.Popen([sys.executable, "-I", "-S", sys.argv[2], sys.argv[3]], env=environment,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(helper.pid, flush=True)
while True:
    signal.pause()
"""


@contextmanager
def parent(path: Path, *, mood: str = "obedient", claims: str = "") -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", PARENT, mood, shim.__file__, str(path), *([claims] if claims else [])]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def speaker(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(5)
        yield listener


def test_it_hands_over_both_pipes_and_lets_exabgp_live_while_the_speaker_beats(tmp_path: Path) -> None:
    with speaker(tmp_path / "s") as listener, parent(tmp_path / "s") as exabgp:
        connection, _ = listener.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
            assert [stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in descriptors] == [True, True]
            for fd in descriptors:
                os.close(fd)
            connection.send(b"\n")
            with pytest.raises(subprocess.TimeoutExpired):
                exabgp.wait(0.5)


def test_the_speakers_end_is_exabgps_end(tmp_path: Path) -> None:
    with speaker(tmp_path / "s") as listener, parent(tmp_path / "s") as exabgp:
        listener.accept()[0].close()
        assert exabgp.wait(2) == -15


def test_an_exabgp_that_ignores_sigterm_is_killed_a_second_later(tmp_path: Path) -> None:
    with speaker(tmp_path / "s") as listener, parent(tmp_path / "s", mood="deaf") as exabgp:
        listener.accept()[0].close()
        begun = time.monotonic()
        assert exabgp.wait(3) == -9
        assert time.monotonic() - begun > 0.9


def test_without_a_socket_to_connect_to_exabgp_ends_at_once(tmp_path: Path) -> None:
    """So ends an ExaBGP that started a second helper, or one that outlived a speaker."""
    with parent(tmp_path / "none") as exabgp:
        assert exabgp.wait(2) == -15


def test_only_its_own_parent_is_ended(tmp_path: Path) -> None:
    with parent(tmp_path / "none", claims=str(os.getpid())) as exabgp:
        assert exabgp.stdout
        helper = int(exabgp.stdout.readline())
        deadline = time.monotonic() + 3
        while Path(f"/proc/{helper}/stat").read_text().split()[2] != "Z":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert exabgp.poll() is None
