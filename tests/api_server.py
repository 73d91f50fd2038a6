"""A real API server for every test that asks for one.

`api_server`: one for the whole run, emptied before each test, which may stop, restart or freeze it. `new_api_server`: one
of the test's own, with nothing in it, for what cannot be undone (three seconds).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import MERGE_PATCH, Client

EMPTIED = (
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/secrets",
    "/api/v1/events",
    "/apis/coordination.k8s.io/v1/leases",
)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _server_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    async with running(tmp_path_factory.mktemp("kube")) as server:
        yield server


@pytest.fixture
async def api_server(_server_of_the_run: ApiServer) -> ApiServer:
    """Without objects but its own; definitions of custom kinds stay. It runs, whatever the test before has done to it."""
    _server_of_the_run.thaw()
    if not _server_of_the_run.process.running:
        await _server_of_the_run.start()
    empty(_server_of_the_run.client)
    return _server_of_the_run


@pytest.fixture
async def new_api_server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
def admin_kubeconfig(api_server: ApiServer, tmp_path: Path) -> Path:
    return api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")


def empty(client: Client) -> None:
    """Deletes everything that tests make, whatever finalizers it has. Namespaces stay, since nothing here ends them."""
    for path in (*EMPTIED, *_custom(client)):
        for item in client.get(path)["items"]:
            metadata = item["metadata"]
            place = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
            root, _, plural = path.rpartition("/")
            if (place, metadata["name"]) == ("namespaces/default/", "kubernetes"):
                continue
            at = f"{root}/{place}{plural}/{metadata['name']}"
            if metadata.get("finalizers"):
                client.request("PATCH", at, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
            if "deletionTimestamp" not in metadata:
                client.request("DELETE", f"{at}?gracePeriodSeconds=0")


def _custom(client: Client) -> list[str]:
    """Where the server lists objects of each custom kind."""
    return [
        f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
        for spec in (crd["spec"] for crd in client.get(CRDS)["items"])
        for version in spec["versions"]
        if version["served"]
    ]
