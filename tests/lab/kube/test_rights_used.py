"""The chart grants what the programs ask for in their lives, and nothing else: compared with the API server's audit log.

All tests on a lab's cluster run the programs as these service accounts. This one leads them through all that they do.
"""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.deployment import until
from herald.lab.kube.audit import Call
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.kube.helm import NAMESPACE, render
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, rack
from tests.lab.drain.commands import on_server
from tests.lab.fabric import fabric

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

HOLD_S = 10.0
TIMEOUT_S = 70.0
"""A minute until a dead speaker is taken for dead."""
ROLES = {"Role", "ClusterRole"}
BINDINGS = {"RoleBinding", "ClusterRoleBinding"}


class Right(NamedTuple):
    """One thing that RBAC lets a program do. `name` is empty where the rule is for all objects."""

    program: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def granted(role: Manifest) -> Iterator[Right]:
    program = "-".join(role["metadata"]["name"].split("-")[:2])
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield Right(program, verb, group, resource, role["metadata"].get("namespace", ""), name)


def uses(call: Call, right: Right) -> bool:
    return (
        (call.user, call.group, call.resource) == (right.program, right.group, right.resource)
        and right.verb in call.verbs
        and right.namespace in {"", call.namespace}
        and right.name in {"", call.name}
    )


async def test_what_is_granted_is_used_and_nothing_is_refused() -> None:
    passwords = {"node1-tor1": "opensesame"}
    settings = Settings(nodes=1, control=True, passwords=passwords)
    async with fabric(rack(settings), kube=True, services=["web"]) as deployment:
        assert isinstance(deployment, KubeDeployment)
        await lead_a_full_life(deployment)
        values = {"passwordSecrets": {NAMESPACE: sorted(passwords)}}
        chart = await render("herald", values)
        bound = {each["roleRef"]["name"] for each in chart if each["kind"] in BINDINGS}  # others are for people
        roles = [each for each in chart if each["kind"] in ROLES and each["metadata"]["name"] in bound]
        rights = {right for role in roles for right in granted(role)}
        audit = deployment.cluster.audit

        def unused() -> set[Right]:
            calls = list(audit.calls())
            return {right for right in rights if not any(uses(call, right) for call in calls)}

        await until(lambda: not unused(), TIMEOUT_S, lambda: f"not used: {sorted(unused())}")
        assert audit.refusals() == []


async def drain(deployment: KubeDeployment) -> None:
    """A person drains the only node: by the rights that the chart has for people, and at first in vain."""
    operator = on_server(deployment)
    assert "(lastAnnouncer)" in " ".join((await operator.drain("node1", "--wait", "--timeout", "3")).lines)
    assert (await operator.drain("node1", "--seconds", "1", "--force", "--wait")).code == 0
    assert (await operator.undrain("node1")).code == 0


async def lead_a_full_life(deployment: KubeDeployment) -> None:
    """A node is drained, the controller started anew, objects come, a peer and a pool go, and at last the speaker dies."""
    await drain(deployment)
    assert deployment.controller
    await deployment.controller.end()
    deployment.start_controller()
    peer = next(each for each in manifests.peers(deployment.lab.topology) if each["metadata"]["name"] == "node1-tor2")
    deployment.cluster.api.client.delete(peer)
    new: dict[Kind, Manifest] = {
        Kind.COMMUNITY: {"value": "64512:1"},
        Kind.BFD_PROFILE: {"intervalMilliseconds": 300},
        Kind.HEALTH_CHECK: {"protocol": "TCP"},
    }
    deployment.cluster.api.client.apply([manifests.manifest(kind, "blue", spec) for kind, spec in new.items()])
    pools = [each for each in manifests.network(deployment.lab.topology) if each["kind"] == Kind.ADDRESS_POOL]
    await asyncio.sleep(HOLD_S + 3)
    for pool in pools:
        deployment.cluster.api.client.delete(pool)
    for speaker in deployment.speakers.values():
        speaker.kill()
