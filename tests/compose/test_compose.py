"""docker-compose.yml as a user runs it, on a Docker engine of the tests' own: FRR in the containers tells what it has."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest

from tests.compose.engine import Engine, base_image, engine, network_namespace, routes

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

CHECKOUT = Path(__file__).parents[2]
VIPS = ("198.51.100.1/32", "198.51.100.2/32")
NODES = {"tor1": {f"10.201.0.1{n}" for n in (1, 2, 3)}, "tor2": {f"10.202.0.1{n}" for n in (1, 2, 3)}}


@dataclass(frozen=True, slots=True)
class Stack:
    """What `docker-compose up` raised. `manifests` is the folder that its containers read."""

    engine: Engine
    project: str
    manifests: Path

    def container(self, service: str) -> str:
        return f"{self.project}_{service}_1"

    def routes(self, tor: str) -> dict[str, set[str]]:
        return routes(self.engine, self.container(tor))

    def await_routes(self, tor: str, expected: dict[str, set[str]], timeout_s: float) -> None:
        eventually(lambda: self.routes(tor) == expected, timeout_s, lambda: f"{tor} has {self.routes(tor)}")

    def set_ready(self, service: str, node: str, *, ready: bool) -> None:
        path = self.manifests / "slices" / f"{service}.yaml"
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
    manifests = tmp_path_factory.mktemp("compose") / "manifests"
    shutil.copytree(CHECKOUT / "deploy/compose/manifests", manifests)
    project = f"t{token_hex(3)}"
    file = ("-f", str(CHECKOUT / "docker-compose.yml"), "-p", project)
    env = {"MANIFESTS": str(manifests), "BUILD_NETWORK": "host"}
    try:
        with engine(directory) as builder:
            env["BASE"] = base_image(builder)
            builder.compose(*file, "build", "node1", "controller", env=env)
        with network_namespace(f"compose-{project}") as namespace, engine(directory, namespace=namespace) as running:
            try:
                running.compose(*file, "up", "-d", "--no-build", env=env)
                yield Stack(running, project, manifests)
            finally:
                running.compose(*file, "down", "--volumes", "--timeout", "3", env=env)
    finally:
        # What is below belongs to no running process any more; mounts would keep it from being removed.
        for mount in sorted((line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()), reverse=True):
            if mount.startswith(str(directory)):
                subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(directory, ignore_errors=True)


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


def test_a_cut_link_takes_the_node_out_at_that_tor_only_and_back(stack: Stack) -> None:
    node = stack.container("node1")
    shown = stack.engine.inside(node, "ip", "-o", "-4", "addr", "show", "to", "10.201.0.11")
    device = shown.split()[1]
    stack.engine.inside(node, "ip", "link", "set", device, "down")
    without = {hop for hop in NODES["tor1"] if not hop.endswith(".11")}
    stack.await_routes("tor1", dict.fromkeys(VIPS, without), 30)
    assert stack.routes("tor2") == everywhere("tor2")
    stack.engine.inside(node, "ip", "link", "set", device, "up")
    stack.await_routes("tor1", everywhere("tor1"), 30)


def test_the_images_run_as_they_say(stack: Stack) -> None:
    controller = stack.container("controller")
    inspected = stack.engine.docker(
        "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapAdd}}", controller
    )
    assert inspected.split() == ["true", "[]"]
    image = stack.engine.docker("image", "inspect", "--format", "{{.Config.User}} {{.Size}}", "herald")
    user, size = image.split()
    assert user == "65532:65532"
    print(f"the image herald has {int(size) / 1e6:.0f} MB")  # noqa: T201 -- stated in the documentation
