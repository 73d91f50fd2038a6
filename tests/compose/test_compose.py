"""docker-compose.yml as a user runs it, on a Docker engine of the tests' own: FRR in the containers tells what it has."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.compose.engine import Engine, base_image, engine, network_namespace, prometheus_image, routes, run
from tests.compose.page import documented

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

CHECKOUT = Path(__file__).parents[2]
FETCH = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=3).read())"
NOT_COMPILED = """
import importlib.util, pathlib
names = ("bgp_config", "controller", "herald", "speaker")
packages = [pathlib.Path(importlib.util.find_spec(name).origin).parent for name in names]
files = [file for package in packages for file in package.rglob("*.py")]
assert len(files) > 100
print([str(file) for file in files if not pathlib.Path(importlib.util.cache_from_source(file)).exists()])
"""
VIPS = ("198.51.100.1/32", "198.51.100.2/32")
IMAGE_MB = 110
"""What the image may have beyond its base. docs/install/kubernetes.md states it."""
NODES = {"tor1": {f"10.201.0.1{n}" for n in (1, 2, 3)}, "tor2": {f"10.202.0.1{n}" for n in (1, 2, 3)}}


@dataclass(frozen=True, slots=True)
class Stack:
    """What `docker-compose up` raised in a network namespace, from a copy of the checkout."""

    engine: Engine
    project: str
    namespace: str
    checkout: Path
    env: Mapping[str, str]

    def do(self, command: str) -> str:
        """A command of the page, on this stack: without a terminal, and what stays in the foreground in the background."""
        words = shlex.split(command)[1:]
        for_nobody = {"exec": {"-T"}, "up": {"-d"}}
        given = [added for word in words for added in (word, *for_nobody.get(word, set()) - set(words))]
        file = ("-f", str(self.checkout / "docker-compose.yml"), "-p", self.project)
        return self.engine.compose(*file, *given, env=self.env)

    def container(self, service: str) -> str:
        return f"{self.project}_{service}_1"

    def routes(self, tor: str) -> dict[str, set[str]]:
        return routes(self.engine, self.container(tor))

    def await_routes(self, tor: str, expected: dict[str, set[str]], timeout_s: float) -> None:
        eventually(lambda: self.routes(tor) == expected, timeout_s, lambda: f"{tor} has {self.routes(tor)}")

    def set_ready(self, service: str, node: str, *, ready: bool) -> None:
        path = self.checkout / "deploy" / "compose" / "manifests" / "slices" / f"{service}.yaml"
        word = str(ready).lower()
        lines = [
            line.replace(f"ready: {not ready}".lower(), f"ready: {word}").replace(
                f"serving: {not ready}".lower(), f"serving: {word}"
            )
            if f"nodeName: {node}," in line
            else line
            for line in path.read_text().splitlines(keepends=True)
        ]
        written = path.with_name(".new")
        written.write_text("".join(lines))
        written.rename(path)


def eventually(holds: Callable[[], bool], timeout_s: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Builds both images and raises everything; takes it down, and the engine with it."""
    directory = tmp_path_factory.mktemp("docker")
    checkout = _copy_of_the_checkout(tmp_path_factory.mktemp("checkout"))
    project = f"t{token_hex(3)}"
    env = {"BUILD_NETWORK": "host"}
    try:
        with engine(directory) as builder:
            env["BASE"] = base_image(builder)
            env["PROMETHEUS"] = prometheus_image(builder, env["BASE"], tmp_path_factory.mktemp("prometheus"))
            _build_as_documented(builder, checkout, env)
        with network_namespace(f"compose-{project}") as namespace, engine(directory, namespace=namespace) as running:
            made = Stack(running, project, namespace, checkout, env)
            try:
                made.do(documented("compose.md", "docker-compose up --build"))
                yield made
            finally:
                made.do("docker-compose --profile metrics down --volumes --timeout 3")
    finally:
        # What is below belongs to no running process any more; mounts would keep it from being removed.
        for mount in sorted((line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()), reverse=True):
            if mount.startswith(str(directory)):
                subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def _copy_of_the_checkout(directory: Path) -> Path:
    """What images and containers take of it, more than once: nobody but the tests edits it meanwhile."""
    for name in ("bgp_config", "controller", "deploy", "herald", "speaker"):
        shutil.copytree(CHECKOUT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dockerignore", "README.md", "docker-compose.yml", "pyproject.toml", "uv.lock"):
        shutil.copy(CHECKOUT / name, directory)
    return directory


def _build_as_documented(builder: Engine, checkout: Path, env: Mapping[str, str]) -> None:
    """By docker, as on the page, and then by docker-compose, which finds it built but for its own machines' image."""
    docker, *words, context = shlex.split(documented("kubernetes.md", "docker build"))
    assert (docker, context) == ("docker", ".")
    places = ["--network", "host", "--build-arg", f"BASE={env['BASE']}"]
    run([docker, *words, *places, context], builder.environment, 600, cwd=checkout)
    builder.compose("-f", str(checkout / "docker-compose.yml"), "build", "node1", "controller", env=env)


def everywhere(tor: str) -> dict[str, set[str]]:
    return dict.fromkeys(VIPS, NODES[tor])


@pytest.mark.parametrize("tor", ["tor1", "tor2"])
def test_every_vip_has_all_nodes_as_next_hops_on_both_tors(stack: Stack, tor: str) -> None:
    stack.await_routes(tor, everywhere(tor), 60)


def test_the_client_is_answered_by_every_node(stack: Stack) -> None:
    def answers() -> str:
        return stack.engine.docker("logs", stack.container("client"))

    eventually(lambda: all(f'"node{n}"' in answers() for n in (1, 2, 3)), 60, answers)


def test_an_unhealthy_endpoint_takes_its_node_out_and_back(stack: Stack) -> None:
    api, web = VIPS
    stack.set_ready("api", "node2", ready=False)
    for tor, hops in NODES.items():
        stack.await_routes(tor, {api: {hop for hop in hops if not hop.endswith(".12")}, web: hops}, 20)
    stack.set_ready("api", "node2", ready=True)
    for tor in NODES:
        stack.await_routes(tor, everywhere(tor), 20)


def without(tor: str, node: str) -> dict[str, set[str]]:
    others = {hop for hop in NODES[tor] if not hop.endswith(f".1{node.removeprefix('node')}")}
    return dict.fromkeys(VIPS, others)


def test_a_cut_link_takes_the_node_out_at_that_tor_only_and_back(stack: Stack) -> None:
    stack.do(documented("compose.md", "docker-compose exec node1 link tor1 down"))
    stack.await_routes("tor1", without("tor1", "node1"), 30)
    assert stack.routes("tor2") == everywhere("tor2")
    shown = stack.do(documented("compose.md", "docker-compose exec tor1 vtysh"))
    assert "10.201.0.12" in shown
    assert "10.201.0.11" not in shown
    stack.do(documented("compose.md", "docker-compose exec node1 link tor1 up"))
    stack.await_routes("tor1", everywhere("tor1"), 30)


def test_a_killed_speaker_takes_its_node_out_and_back_when_it_is_started_again(stack: Stack) -> None:
    stack.do(documented("compose.md", "docker-compose kill speaker2"))
    for tor in NODES:
        stack.await_routes(tor, without(tor, "node2"), 20)
    stack.do(documented("compose.md", "docker-compose up -d speaker2"))
    for tor in NODES:
        stack.await_routes(tor, everywhere(tor), 30)


def test_with_the_profile_metrics_prometheus_joins_and_finds_both_programs_and_the_alerts(stack: Stack) -> None:
    before = stack.engine.docker("ps", "--quiet", "--no-trunc").split()
    stack.do(documented("compose.md", "docker-compose --profile metrics up"))
    assert len(stack.engine.docker("ps", "--quiet", "--no-trunc").split()) == len(before) + 1

    def ask(path: str) -> Any:
        """As a browser on the machine itself, at the published port."""
        url = f"http://127.0.0.1:9090/api/v1/{path}"
        argv = ["nsenter", f"--net=/run/netns/{stack.namespace}", "--", sys.executable, "-I", "-c", FETCH, url]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=10)
        return json.loads(done.stdout)["data"] if done.returncode == 0 else None

    def targets() -> dict[tuple[str, str], str]:
        found = (ask("targets") or {"activeTargets": []})["activeTargets"]
        return {(each["labels"]["job"], each["labels"]["instance"]): each["health"] for each in found}

    expected = {("herald-speaker", f"node{n}:7473"): "up" for n in (1, 2, 3)} | {
        ("herald-controller", "controller:7472"): "up"
    }
    eventually(lambda: targets() == expected, 60, lambda: str(targets()))
    (up,) = ask("query?query=sum(herald_bgp_session_up)")["result"]
    assert up["value"][1] == "6"
    (group,) = ask("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}


def test_the_images_run_as_they_say(stack: Stack) -> None:
    controller = stack.container("controller")
    inspected = stack.engine.docker(
        "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapAdd}}", controller
    )
    assert inspected.split() == ["true", "[]"]
    image = stack.engine.docker("image", "inspect", "--format", "{{.Config.User}} {{.Size}}", "herald")
    user, size = image.split()
    assert user == "65532:65532"
    base = stack.engine.docker("image", "inspect", "--format", "{{.Size}}", stack.env["BASE"])
    added_mb = (int(size) - int(base)) / 1e6
    print(f"the image herald has {int(size) / 1e6:.0f} MB, of which {added_mb:.0f} MB beyond its base")  # noqa: T201 -- the docs' figure
    assert added_mb < IMAGE_MB
    assert stack.engine.inside(controller, "sh", "-c", "command -v pip pip3 uv gcc cc; true") == ""
    assert stack.engine.inside(controller, "python", "-c", NOT_COMPILED) == "[]\n"
    assert f"less than {IMAGE_MB} MB" in (CHECKOUT / "docs/install/kubernetes.md").read_text()
