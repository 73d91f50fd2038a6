"""A Docker engine of the tests' own, which leaves this machine's network alone.

Images are built by an engine without bridge and iptables, over the host's network. Containers run under a second engine on
the same data, inside a network namespace, where it may have all the bridges and rules that it likes.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
PULLED_BASE = "debian:bookworm-slim"
MADE_BASE = "herald-test-base"
PULLED_PROMETHEUS = "prom/prometheus:v3.5.0"
MADE_PROMETHEUS = "herald-test-prometheus"
UNWANTED = re.compile(r"\./(usr/share/(doc|info|locale|man)|var/cache/apt|var/lib/apt/lists)/.")
"""What debian:bookworm-slim does not have either."""
START_TIMEOUT_S = 60
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "herald"


@dataclass(frozen=True, slots=True)
class Engine:
    """A running dockerd, reached over its own socket."""

    socket: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}

    def docker(self, *words: str, timeout_s: float = 600) -> str:
        """What the command prints. Fails with what it says."""
        return run(["docker", *words], self.environment, timeout_s)

    def compose(self, *words: str, env: Mapping[str, str], timeout_s: float = 900) -> str:
        return run(["docker-compose", *words], {**self.environment, **env}, timeout_s)

    def inside(self, container: str, *words: str) -> str:
        return self.docker("exec", container, *words, timeout_s=30)


def run(command: list[str], environment: Mapping[str, str], timeout_s: float, cwd: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


@contextmanager
def engine(directory: Path, *, namespace: str | None = None) -> Iterator[Engine]:
    """dockerd on `directory`; without a namespace it only builds, over the host's network, which it does not touch."""
    socket = directory / "docker.sock"
    command = ["dockerd", f"--data-root={directory / 'data'}", f"--exec-root={directory / 'exec'}"]
    command += [f"--pidfile={directory / 'docker.pid'}", f"--host=unix://{socket}", "--containerd-namespace=herald"]
    if namespace is None:
        command += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
    else:
        command = ["nsenter", f"--net=/run/netns/{namespace}", "--", *command]
    with (directory / "dockerd.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        started = Engine(socket)
        _await(started, process, directory)
        yield started
    finally:
        process.terminate()
        process.wait(60)


def _await(started: Engine, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    while subprocess.run(command, env=started.environment, capture_output=True, check=False).returncode:
        assert process.poll() is None, (directory / "dockerd.log").read_text()[-3000:]
        assert time.monotonic() < deadline, "dockerd does not answer"
        time.sleep(0.2)


@contextmanager
def network_namespace(name: str) -> Iterator[str]:
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def base_image(builder: Engine) -> str:
    """Debian: pulled, or where none can be pulled made with debootstrap, once per machine."""
    if _can_be_pulled(builder, PULLED_BASE):
        return PULLED_BASE
    builder.docker("import", str(_debootstrapped()), MADE_BASE)
    return MADE_BASE


def prometheus_image(builder: Engine, base: str, directory: Path) -> str:
    """Its project's, or where none can be pulled one of ours with this machine's program at the same place."""
    if _can_be_pulled(builder, PULLED_PROMETHEUS):
        return PULLED_PROMETHEUS
    shutil.copy("/usr/bin/prometheus", directory / "prometheus")
    words = ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
    lines = ["COPY prometheus /bin/", 'ENTRYPOINT ["/bin/prometheus"]', f"CMD {json.dumps(words)}"]
    (directory / "Dockerfile").write_text("\n".join([f"FROM {base}", *lines]))
    builder.docker("build", "--quiet", "--tag", MADE_PROMETHEUS, str(directory))
    return MADE_PROMETHEUS


def _can_be_pulled(builder: Engine, image: str) -> bool:
    pull = ["docker", "pull", "--quiet", image]
    return subprocess.run(pull, env=builder.environment, capture_output=True, timeout=120, check=False).returncode == 0


def _debootstrapped() -> Path:
    archive = CACHE / f"debian-{SUITE}-slim.tar"
    if not archive.exists():
        root = CACHE / f"debian-{SUITE}.{os.getpid()}"
        root.mkdir(parents=True)
        try:
            command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root)]
            run(command, os.environ, 600)
            # The machine's own certificate authorities, which its way to the package index may need.
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
            unfinished = archive.with_suffix(".new")
            with tarfile.open(unfinished, "w") as tar:
                tar.add(root, arcname=".", filter=lambda each: None if each.isdev() or UNWANTED.match(each.name) else each)
            unfinished.rename(archive)
        finally:
            shutil.rmtree(root)
    return archive


def routes(engine: Engine, container: str) -> dict[str, set[str]]:
    """The BGP routes in the FIB of a router's container: prefix -> next hops, as FRR tells."""
    shown = json.loads(engine.inside(container, "vtysh", "-c", "show ip route bgp json"))
    return {
        prefix: {hop["ip"] for hop in entry["nexthops"] if hop.get("fib")}
        for prefix, entries in shown.items()
        for entry in entries
        if entry.get("selected")
    }
