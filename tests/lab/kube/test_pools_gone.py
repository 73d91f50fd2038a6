"""Pools that are deleted or renamed in use: no route changes, though both programs see it."""

import asyncio

import pytest

from controller.config_state import FINALIZER, RELEASE
from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.kube.client import ApiError
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.manifests import Manifest
from herald.lab.waiting import until
from tests.lab.kube.speakers import speakers
from tests.lab.kube.test_config_loss import HOLD_S, WEB, nothing_moves

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

POOLS = "/apis/herald-lb.io/v1alpha1/addresspools"


def pool_of(deployment: KubeDeployment) -> Manifest:
    network = manifests.network(deployment.lab.topology)
    return next(each for each in network if each["kind"] == Kind.ADDRESS_POOL)


def found(deployment: KubeDeployment, name: str) -> Manifest | None:
    try:
        return deployment.cluster.api.client.get(f"{POOLS}/{name}")
    except ApiError:
        return None


async def kept(deployment: KubeDeployment) -> Manifest:
    """The pool, once the controller keeps it."""
    pool = pool_of(deployment)
    name = pool["metadata"]["name"]
    await until(lambda: FINALIZER in (found(deployment, name) or {})["metadata"].get("finalizers", []), 20)
    return pool


async def test_a_pool_that_is_deleted_in_use_serves_on_until_it_is_released() -> None:
    async with speakers({"web": WEB}) as deployment:
        deployment.start_controller()
        pool, client = await kept(deployment), deployment.cluster.api.client
        async with nothing_moves(deployment):
            client.delete(pool)
            await asyncio.sleep(HOLD_S + 3)
        client.merge(pool, {"metadata": {"annotations": {RELEASE: "true"}}})
        await deployment.routed({}, HOLD_S + 5)


@pytest.mark.parametrize("prune", ["first", "last"])
async def test_a_pool_that_is_renamed_together_with_its_advertisement_changes_no_route(prune: str) -> None:
    async with speakers({"web": WEB}) as deployment:
        deployment.start_controller()
        old, client = await kept(deployment), deployment.cluster.api.client
        named = manifests.manifest(Kind.BGP_ADVERTISEMENT, "default", {"pools": [old["metadata"]["name"]]})
        new = {**old, "metadata": {"name": "renamed"}}
        other = manifests.manifest(Kind.BGP_ADVERTISEMENT, "default", {"pools": ["renamed"]})
        async with nothing_moves(deployment):
            client.apply([named])
            await asyncio.sleep(1)
            if prune == "first":
                client.delete(old)
                await asyncio.sleep(1)
            client.apply([new, other])
            await asyncio.sleep(1)
            if prune == "last":
                client.delete(old)
            await until(lambda: found(deployment, old["metadata"]["name"]) is None, 10)
            await asyncio.sleep(HOLD_S + 3)
