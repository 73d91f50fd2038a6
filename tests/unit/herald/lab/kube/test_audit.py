"""What the API server's audit log says of the programs' calls."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from herald.lab.kube.audit import Audit, Call

USER = "system:serviceaccount:herald-system:herald-speaker"


def event(verb: str, code: int, *, allowed: bool = True, **about: str) -> dict[str, Any]:
    return {
        "stage": "ResponseComplete",
        "user": {"username": USER, "groups": ["system:authenticated"]},
        "verb": verb,
        "objectRef": {"apiVersion": "v1", **about},
        "responseStatus": {"metadata": {}, "code": code},
        "annotations": {"authorization.k8s.io/decision": "allow" if allowed else "forbid"},
    }


def audit_of(directory: Path, events: Sequence[dict[str, Any]]) -> Audit:
    audit = Audit(directory=directory, namespace="herald-system")
    log = next(flag for flag in audit.flags() if flag.startswith("--audit-log-path=")).partition("=")[2]
    Path(log).write_text("".join(f"{json.dumps(each)}\n" for each in events))
    return audit


def only(directory: Path, found: dict[str, Any]) -> Call:
    (call,) = audit_of(directory, [found]).calls()
    return call


def test_a_resource_is_called_as_rbac_calls_it(tmp_path: Path) -> None:
    call = only(
        tmp_path,
        event("patch", 200, resource="services", subresource="status", namespace="default", name="web", apiGroup=""),
    )
    assert (call.user, call.group, call.resource, call.namespace, call.name) == (
        "herald-speaker",
        "",
        "services/status",
        "default",
        "web",
    )


def test_an_apply_that_makes_its_object_needs_two_rights(tmp_path: Path) -> None:
    assert only(tmp_path, event("patch", 201, resource="bgpnodes", name="node1")).verbs == {"patch", "create"}
    assert only(tmp_path, event("patch", 200, resource="bgpnodes", name="node1")).verbs == {"patch"}


def test_refusals_are_those_of_rbac_and_of_policies(tmp_path: Path) -> None:
    events = [
        event("list", 200, resource="services"),
        event("list", 403, allowed=False, resource="secrets"),
        event("patch", 403, resource="bgpnodes", name="node2"),
        event("get", 404, resource="leases"),
    ]
    assert [call.resource for call in audit_of(tmp_path, events).refusals()] == ["secrets", "bgpnodes"]


def test_what_is_no_object_is_passed_over(tmp_path: Path) -> None:
    probe = event("get", 200)
    del probe["objectRef"]
    assert list(audit_of(tmp_path, [probe]).calls()) == []


def test_there_are_no_calls_before_the_first(tmp_path: Path) -> None:
    assert list(Audit(directory=tmp_path, namespace="herald-system").calls()) == []


def test_only_one_namespaces_service_accounts_are_looked_at(tmp_path: Path) -> None:
    (flag,) = (flag for flag in audit_of(tmp_path, []).flags() if flag.startswith("--audit-policy-file="))
    looked_at, others = yaml.safe_load(Path(flag.partition("=")[2]).read_text())["rules"]
    assert looked_at == {"level": "Metadata", "userGroups": ["system:serviceaccounts:herald-system"]}
    assert others == {"level": "None"}
