"""What deploy/slim.sh takes out of the image is needed by nobody: real programs work with a real API server without it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from herald.lab.command import run
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.helm import install
from herald.lab.waiting import until
from tests.kube.controllers import controllers, create, pool, witness

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

SLIM = Path(__file__).parents[2] / "deploy" / "slim.sh"
LEFT_MB = 10


def size_mb(directory: Path) -> float:
    return sum(each.stat().st_size for each in directory.rglob("*") if each.is_file()) / 1e6


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of packages with the client alone, as the image has it; it comes before the whole one."""
    found = importlib.util.find_spec("kubernetes")
    assert found
    assert found.origin
    packages = tmp_path_factory.mktemp("packages")
    shutil.copytree(Path(found.origin).parent, packages / "kubernetes")
    assert size_mb(packages) > 10 * LEFT_MB
    subprocess.run([SLIM, packages], check=True)
    yield packages
    shutil.rmtree(packages)


async def test_a_controller_assigns_and_status_answers_with_what_the_image_has_of_the_client(
    new_api_server: ApiServer, slim: Path, tmp_path: Path
) -> None:
    env = {"PYTHONPATH": str(slim)}
    assert size_mb(slim) < LEFT_MB
    await install(new_api_server.client)
    new_api_server.client.apply([pool()])
    async with witness(new_api_server, tmp_path) as seen, controllers(new_api_server, tmp_path, ["one"], env=env) as pods:
        pods.replicas["one"].start()
        await create(new_api_server, ["web"])
        await until(lambda: seen.assigned(["web"]), 20)
        assert "Traceback" not in pods.replicas["one"].process.output()
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "admin.kubeconfig")
    argv = ["env", f"PYTHONPATH={slim}", sys.executable, "-m", "herald", "status", "--kubeconfig", str(kubeconfig)]
    assert "web" in await run(*argv)


def test_the_generated_classes_are_gone_from_what_these_programs_found(slim: Path) -> None:
    """The control: without it, the test above would pass on the whole client too."""
    script = "import kubernetes.aio.client as client; print(client.__file__); client.CoreV1Api"
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(slim)}, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(str(slim))
    assert "ModuleNotFoundError" in done.stderr
