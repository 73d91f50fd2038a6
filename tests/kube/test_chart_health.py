"""What Argo CD makes of Herald's conditions, by the scripts that it is given. It runs them with Lua 5.1, as is done here."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgp_config.kind import ConfigKind
from herald.lab.command import run

pytestmark = pytest.mark.lab

SCRIPTS = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "argocd" / "argocd-cm.yaml").read_text())["data"]


def lua(value: object) -> str:
    """The value as Lua writes it."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"[{lua(key)}] = {lua(each)}" for key, each in value.items()) + "}"
        case list():
            return "{" + ", ".join(map(lua, value)) + "}"
        case _:
            return json.dumps(value)


def health(kind: str, status: Mapping[str, Any] | None, **metadata: Any) -> tuple[str, str]:
    obj: dict[str, Any] = {"kind": kind, "metadata": {"name": "x", "generation": 2, **metadata}}
    if status is not None:
        obj["status"] = status
    script = SCRIPTS[f"resource.customizations.health.herald-lb.io_{kind}"]
    program = f'obj = {lua(obj)}\nlocal found = (function()\n{script}\nend)()\nprint(found.status .. "\\n" .. found.message)'
    said, _, message = asyncio.run(run("lua5.1", "-", stdin=program)).rstrip("\n").partition("\n")
    return said, message


def condition(type_: str, status: str, message: str = "", generation: int = 2) -> dict[str, Any]:
    return {"type": type_, "status": status, "message": message, "observedGeneration": generation}


def conditions(*found: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": list(found)}


CONFIG = [kind.value for kind in ConfigKind]


@pytest.mark.parametrize("kind", CONFIG)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "Progressing"),
        ({}, "Progressing"),
        (conditions(condition("Accepted", "True")), "Healthy"),
        (conditions(condition("Accepted", "True"), condition("Ready", "True")), "Healthy"),
        (conditions(condition("Accepted", "True"), condition("Ready", "False")), "Progressing"),
        (conditions(condition("Accepted", "True", generation=1)), "Progressing"),
        (conditions(condition("Ready", "True"), condition("Stalled", "True")), "Degraded"),
        (conditions(condition("Ready", "True"), condition("Accepted", "False")), "Degraded"),
    ],
)
def test_configuration(kind: str, status: Mapping[str, Any] | None, expected: str) -> None:
    assert health(kind, status)[0] == expected


def test_the_message_is_that_of_the_condition() -> None:
    refused = conditions(condition("Accepted", "False", "spec.blocks: overlaps"), condition("Ready", "False", "other"))
    assert health("AddressPool", refused) == ("Degraded", "spec.blocks: overlaps")


def test_a_pool_that_is_deleted_while_in_use_is_progressing() -> None:
    ready = conditions(condition("Accepted", "True"), condition("Ready", "True"))
    assert health("AddressPool", ready, deletionTimestamp="2026-11-24T12:00:00Z")[0] == "Progressing"


@pytest.mark.parametrize(("ready", "expected"), [("True", "Healthy"), ("False", "Degraded"), ("Unknown", "Unknown")])
def test_node(ready: str, expected: str) -> None:
    assert health("BGPNode", conditions(condition("Ready", ready, "why"))) == (expected, "why")
    assert health("BGPNode", None)[0] == "Progressing"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ("Progressing", "")),
        ({"state": "Established", "lastError": {"text": "long ago"}}, ("Healthy", "")),
        ({"state": "Down", "lastError": {"text": "hold timer expired"}}, ("Degraded", "hold timer expired")),
        ({"state": "Down"}, ("Degraded", "")),
        ({"state": "Unknown"}, ("Unknown", "")),
    ],
)
def test_session(status: Mapping[str, Any] | None, expected: tuple[str, str]) -> None:
    assert health("BGPSession", status) == expected
