"""The real program on real directories: killed at any moment, started again."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

POOL = """\
apiVersion: herald-lb.io/v1alpha1
kind: AddressPool
metadata: {name: default}
spec: {blocks: [{cidr: %s}]}
"""


class Site:
    """The directories of one controller, and the controllers that were started on them."""

    def __init__(self, root: Path) -> None:
        self.manifests, self.state = root / "manifests", root / "state"
        self.manifests.mkdir()
        self.log = root / "log"
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        words = ["controller", "--manifests", str(self.manifests), "--state", str(self.state), "--listen", "127.0.0.1:0"]
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "herald", *words], stderr=log)
        self.running.append(process)
        return process

    def write(self, name: str, text: str) -> None:
        new = self.manifests / f".{name}.new"
        new.write_text(text)
        new.rename(self.manifests / name)

    def service(self, name: str) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"type": "LoadBalancer"},
        }
        self.write(f"{name}.json", json.dumps(manifest))

    def vips(self) -> dict[str, list[str]]:
        """What readers see; a file that is there is whole."""
        return {path.stem: json.loads(path.read_text())["vips"] for path in self.state.glob("shop/*.json")}

    def lines(self, message: str) -> list[dict[str, str]]:
        whole, _, _ = self.log.read_text().rpartition("\n")  # the last line may be being written
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if line["message"] == message]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.lines('started')[-1]['listen']}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def until(claim: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.01)


def all_distinct(vips: dict[str, list[str]]) -> bool:
    given = [vip for each in vips.values() for vip in each]
    return len(set(given)) == len(given)


def test_killed_in_a_burst_of_creations_nothing_is_given_twice_and_nothing_moves(site: Site) -> None:
    site.write("pool.yaml", POOL % "198.51.100.0/24")
    seen: dict[str, list[str]] = {}
    for life in range(4):
        process = site.start()
        for number in range(50):
            site.service(f"s{life}-{number:02}")
        until(lambda: len(site.vips()) > len(seen) + 10 * life)  # noqa: B023 -- called within this round
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = site.vips()
        assert all_distinct(now)
        assert {name: now[name] for name in seen} == seen
        seen = now
    site.start()
    until(lambda: len(site.vips()) == 200)
    now = site.vips()
    assert all(len(vips) == 1 for vips in now.values())
    assert all_distinct(now)
    assert {name: now[name] for name in seen} == seen


def test_a_service_deleted_while_no_controller_runs_gives_its_address_back_and_never_shares_it(site: Site) -> None:
    site.write("pool.yaml", POOL % "198.51.100.0/32")
    site.service("a")
    first = site.start()
    until(lambda: site.vips() == {"a": ["198.51.100.0"]})
    first.terminate()
    assert first.wait(10) == 0
    (site.manifests / "a.json").unlink()
    site.service("b")
    site.start()
    until(lambda: site.vips().get("b") == [])
    until(lambda: site.vips() == {"b": ["198.51.100.0"]})
    assert [line["reason"] for line in site.lines("pending")] == ["poolsExhausted"]


def test_sigterm_ends_it_soon_and_in_order(site: Site) -> None:
    site.write("pool.yaml", POOL % "198.51.100.0/24")
    site.service("a")
    process = site.start()
    until(lambda: site.lines("assigned"))
    start = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0
    assert time.monotonic() - start < 3
    assert site.lines("ended")


def test_a_second_controller_waits_and_takes_over_when_the_first_is_killed(site: Site) -> None:
    site.write("pool.yaml", POOL % "198.51.100.0/24")
    first = site.start()
    until(lambda: site.lines("synced"))
    second = site.start()
    until(lambda: "standby: controller" in site.log.read_text())
    first.kill()
    first.wait()
    site.service("a")
    until(lambda: site.vips() == {"a": ["198.51.100.0"]})
    second.terminate()
    assert second.wait(10) == 0


def test_a_standby_ends_on_sigterm(site: Site) -> None:
    site.start()
    until(lambda: site.lines("synced"))
    second = site.start()
    until(lambda: "standby: controller" in site.log.read_text())
    second.terminate()
    assert second.wait(10) == 0


def test_health_and_metrics_are_served(site: Site) -> None:
    site.write("pool.yaml", POOL % "198.51.100.0/28")
    site.service("a")
    site.start()
    until(lambda: site.lines("assigned"))
    assert site.get("/healthz") == (200, '{"ok":true,"checks":{"synced":"ok"}}')
    status, text = site.get("/metrics")
    assert status == 200
    assert re.search(r'^herald_pool_addresses_used\{family="IPv4",pool="default"\} 1.0$', text, re.MULTILINE)


def test_a_port_that_is_taken_is_an_error_in_one_line(site: Site) -> None:
    site.start()
    until(lambda: site.lines("started"))
    words = ["controller", "--manifests", str(site.manifests), "--state", str(site.manifests.parent / "other")]
    listen = ["--listen", site.lines("started")[-1]["listen"]]
    argv = [sys.executable, "-m", "herald", *words, *listen]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert "herald controller: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.timing
@pytest.mark.timeout(300)
def test_ten_thousand_pending_services_are_served_within_a_minute(
    site: Site, record_property: Callable[[str, object], None]
) -> None:
    for number in range(10_000):
        site.service(f"s{number:05}")
    site.start()
    until(lambda: "noPool" in site.log.read_text()[-2000:], 120)
    until(lambda: len(site.lines("pending")) == 10_000, 120)
    start = time.monotonic()
    site.write("pool.yaml", POOL % "10.0.0.0/8")
    until(lambda: site.log.read_text().count('"assigned"') == 10_000, 60)
    took_s = time.monotonic() - start
    record_property("seconds", took_s)
    print(f"10,000 pending Services assigned in {took_s:.1f} s")  # noqa: T201 -- the figure is the point
    vips = site.vips()
    assert len(vips) == 10_000
    assert all_distinct(vips)
