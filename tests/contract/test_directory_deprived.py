"""The directory source where the kernel grants it less: no inotify, no leases, no permission to read."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.herald.kube.directory.living import rename_into, service

pytestmark = pytest.mark.lab

SPEAKING = """
import asyncio, sys
from pathlib import Path
from herald.kube.directory import DirectorySource
from herald.kube.directory.pace import Pace
from herald.kube.objects import Kind
from herald.kube.source import Changes, Upsert

async def speak():
    source = DirectorySource(Path(sys.argv[1]), frozenset({Kind.SERVICE}), pace=Pace(removal_s=0.5, scan_s=0.5))
    changes = Changes()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(source.run(changes))
        while True:
            for change in await changes.take():
                said = change.object.spec.load_balancer_class if isinstance(change, Upsert) else ""
                print(type(change).__name__, getattr(change, "key", ""), said, flush=True)
            for problem in source.problems:
                print("Problem", problem.path.name, problem.message, flush=True)

asyncio.run(speak())
"""
# A limit of a user namespace of its own; nothing outside it notices.
WITHOUT_INOTIFY = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"',
    "-",
]
WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-lease"]


class Lines:
    """What the child said so far."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.said: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        self.said.extend(iter(self._child.stdout.readline, ""))

    def until(self, claim: Callable[[str], object], within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not any(claim(line) for line in list(self.said)):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)


@contextmanager
def speaking(prefix: list[str], manifests: Path) -> Iterator[Lines]:
    command = [*prefix, sys.executable, "-c", SPEAKING, str(manifests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            lines = Lines(child)
            lines.until(lambda line: line.startswith("Synced"))
            yield lines
        finally:
            child.kill()


def test_without_inotify_changes_are_found_by_comparing_and_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("web", "one"))
    with speaking(WITHOUT_INOTIFY, tmp_path) as lines:
        lines.until(lambda line: "cannot be watched" in line)
        rename_into(tmp_path / "a.yaml", service("web", "two"))
        lines.until(lambda line: "default/web two" in line, within_s=3.0)


def test_what_may_not_be_read_keeps_its_last_form_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").write_text(service("deep"))
    (tmp_path / "b.yaml").write_text(service("web"))
    with speaking(WITHOUT_PRIVILEGES, tmp_path) as lines:
        (tmp_path / "sub").chmod(0)
        (tmp_path / "b.yaml").chmod(0)
        time.sleep(1.5)  # for the claim that nothing happens
        rename_into(tmp_path / "c.yaml", service("other"))
        lines.until(lambda line: "default/other" in line)
        assert not [line for line in lines.said if line.startswith("Gone")]
        lines.until(lambda line: line.startswith("Problem sub"))
        lines.until(lambda line: line.startswith("Problem b.yaml"))
        (tmp_path / "sub").chmod(0o755)
        rename_into(tmp_path / "sub" / "a.yaml", service("deep", "two"))
        lines.until(lambda line: "default/deep two" in line)


def test_without_leases_a_file_is_taken_when_it_has_been_quiet(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web", "one"))
    os.chown(path, 65534, 65534)  # a lease is for the owner only
    with speaking(WITHOUT_PRIVILEGES, tmp_path) as lines:
        text = service("web", "two")
        with path.open("w") as file:
            for start in range(0, len(text), 20):
                file.write(text[start : start + 20])
                file.flush()
                time.sleep(0.01)
        lines.until(lambda line: "default/web two" in line)
        assert [line.split()[-1] for line in lines.said if line.startswith("Upsert")] == ["one", "two"]
