"""What the programs may write into statuses is stored as written, and reads well with kubectl."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bgp_config.crd.definition import GROUP, VERSION
from bgp_config.crd.kinds import DEFINITIONS
from bgp_config.names import ASN
from bgp_config.status.base import MAX_NUMBER, MAX_TEXT, Status
from bgp_config.status.condition import Condition, ConditionStatus, ConditionType, ConfigStatus
from bgp_config.status.drain import MAX_NODES, DrainedNode, DrainStatus, Phase
from bgp_config.status.node import (
    MAX_ERRORS,
    MAX_SERVICES,
    MAX_VIPS,
    BGPNodeStatus,
    ConfigInUse,
    Counts,
    DataPath,
    DataPathState,
    Drain,
    NodeError,
    ServiceNotNormal,
)
from bgp_config.status.pool import AddressPoolStatus, PoolUse
from bgp_config.status.session import BGPSessionStatus, SessionError, State
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import APPLY_PATCH, ApiError
from herald.lab.kube.kubectl import kubectl
from herald.lab.manifests import Manifest
from herald.lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

CRDS = Path(__file__).parents[2] / "deploy" / "crds"
EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
AT = datetime(2026, 1, 1, tzinfo=UTC)
TEXT, WORD = "x" * MAX_TEXT, "w" * 316
CONDITIONS = tuple(
    Condition(
        type=type_, status=status, observed_generation=7, last_transition_time=AT, reason="Because", message="It is so."
    )
    for type_, status in zip(ConditionType, [*ConditionStatus, ConditionStatus.TRUE], strict=True)
)
SPECS = {
    "AddressPool": {"blocks": [{"cidr": "10.0.0.0/24"}]},
    "BGPPeer": {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0"},
    "BGPAdvertisement": {},
    "Community": {"value": "1:1"},
    "BFDProfile": {},
    "HealthCheck": {"protocol": "TCP"},
    "Drain": {"nodes": ["node1"]},
}
CONDITIONS_ONLY = ["BGPPeer", "BGPAdvertisement", "Community", "BFDProfile", "HealthCheck"]
LARGEST: dict[str, Status] = {
    "AddressPool": AddressPoolStatus(
        ipv4=PoolUse(total=256, used=0), ipv6=PoolUse(total=MAX_NUMBER, used=1), conditions=CONDITIONS
    ),
    **dict.fromkeys(CONDITIONS_ONLY, ConfigStatus(conditions=CONDITIONS)),
    "Drain": DrainStatus(
        nodes=tuple(
            DrainedNode(node=f"node{n}", phase=Phase.WAITING, since=AT, granted=AT, reason=WORD, message=TEXT)
            for n in range(MAX_NODES)
        ),
        total=MAX_NUMBER,
        drained=0,
        conditions=CONDITIONS,
    ),
    "BGPNode": BGPNodeStatus(
        version="0.1.0",
        config=ConfigInUse(hash="abc", since=AT, refused=1),
        counts=Counts(announced=0, withheld=1, sessions=2, established=3, least_preferred=4),
        data_path=DataPath(kind="kube-proxy", state=DataPathState.HEALTHY, last_sync=AT, timeouts=1),
        drain=Drain(reason="maintenance", since=AT, message=TEXT),
        stale_since=AT,
        errors=(NodeError(about=WORD, reason=WORD, message=TEXT, since=AT),) * MAX_ERRORS,
        services_not_normal=(
            ServiceNotNormal(namespace=WORD, name=WORD, reason=WORD, message=TEXT, vips=(WORD,) * MAX_VIPS),
        )
        * MAX_SERVICES,
        services_not_normal_total=MAX_NUMBER,
        conditions=CONDITIONS,
    ),
    "BGPSession": BGPSessionStatus(
        node="node1",
        peer="tor1",
        peer_address="10.1.1.0",
        local_address="10.1.1.1",
        peer_asn=ASN(2**32 - 1),
        local_asn=ASN(64512),
        state=State.ESTABLISHED,
        since=AT,
        hold_time_seconds=90,
        prefixes=10_000,
        last_error=SessionError(code=6, subcode=2, text=TEXT, at=AT),
        conditions=CONDITIONS,
    ),
}


def manifest(kind: str, status: Status, name: str = "x") -> Manifest:
    spec = {"spec": SPECS[kind]} if kind in SPECS else {}
    written = json.loads(msgspec.json.encode(status))
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, **spec, "status": written}


@pytest.fixture
async def server(api_server: ApiServer) -> ApiServer:
    """With Herald's definitions, applied as the documentation says, which client-side apply bounds in size."""
    await kubectl(api_server.admin, "apply", "-k", str(CRDS))
    plurals = [definition.plural for definition in DEFINITIONS]

    def served() -> bool:
        try:
            return all(api_server.client.get(f"/apis/{GROUP}/{VERSION}/{plural}") for plural in plurals)
        except ApiError:
            return False

    await until(served, 20.0)
    return api_server


def shown(table: str) -> list[list[str]]:
    """The cells of what kubectl printed."""
    heads, *rows = table.splitlines()
    starts = [0, *(i for i in range(1, len(heads)) if heads[i] != " " and heads[i - 1] == heads[i - 2] == " ")]
    ends = [*starts[1:], None]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in (heads, *rows)]


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_status_is_stored_as_it_was_written(server: ApiServer, kind: str) -> None:
    written = manifest(kind, LARGEST[kind])
    server.client.apply([written])
    found = server.client.get(server.client.path_of(written))
    assert found["status"] == written["status"]


@pytest.mark.parametrize("kind", LARGEST)
def test_a_condition_of_another_writer_stays(server: ApiServer, kind: str) -> None:
    written = manifest(kind, LARGEST[kind])
    server.client.apply([written])
    other = {**written, "status": {"conditions": [{**written["status"]["conditions"][0], "type": "example.org/Other"}]}}
    path = f"{server.client.path_of(written)}/status?fieldManager=other"
    server.client.request("PATCH", path, {k: v for k, v in other.items() if k != "spec"}, content_type=APPLY_PATCH)
    found = server.client.get(server.client.path_of(written))
    assert {each["type"] for each in found["status"]["conditions"]} == {*ConditionType, "example.org/Other"}


async def test_sessions_read_well(server: ApiServer) -> None:
    session = LARGEST["BGPSession"]
    assert isinstance(session, BGPSessionStatus)
    down = msgspec.structs.replace(
        session, node="node2", state=State.DOWN, prefixes=0, last_error=SessionError(text="Cease (6/2)", at=AT)
    )
    up = msgspec.structs.replace(session, last_error=None)
    server.client.apply([manifest("BGPSession", up, "node1.tor1"), manifest("BGPSession", down, "node2.tor1")])
    heads, first, second = shown(await kubectl(server.admin, "get", "bgpsessions"))
    assert heads == ["NAME", "NODE", "PEER", "ASN", "STATE", "SINCE", "PREFIXES", "LAST ERROR"]
    age = first[5]
    assert first == ["node1.tor1", "node1", "tor1", "4294967295", "Established", age, "10000", ""]
    assert second == ["node2.tor1", "node2", "tor1", "4294967295", "Down", age, "0", "Cease (6/2)"]


async def test_sessions_can_be_selected_by_node(server: ApiServer) -> None:
    session = LARGEST["BGPSession"]
    assert isinstance(session, BGPSessionStatus)
    other = msgspec.structs.replace(session, node="node2")
    server.client.apply([manifest("BGPSession", session, "node1.tor1"), manifest("BGPSession", other, "node2.tor1")])
    found = await kubectl(server.admin, "get", "hbs", "--field-selector=status.node=node2", "-o", "name")
    assert found.split() == ["bgpsession.herald-lb.io/node2.tor1"]


async def test_the_category_shows_everything(server: ApiServer) -> None:
    server.client.apply([manifest(kind, status) for kind, status in LARGEST.items()])
    found = await kubectl(server.admin, "get", "herald", "-o", "name")
    assert {line.partition(".")[0] for line in found.split()} == {definition.kind.lower() for definition in DEFINITIONS}


@pytest.mark.parametrize("short", [name for definition in DEFINITIONS for name in definition.short_names])
async def test_every_kind_has_a_short_name_and_columns(server: ApiServer, short: str) -> None:
    server.client.apply([manifest(kind, status) for kind, status in LARGEST.items()])
    (definition,) = (definition for definition in DEFINITIONS if short in definition.short_names)
    heads, row = shown(await kubectl(server.admin, "get", short))
    assert heads[1:] == [column.name.upper() for column in definition.columns if not column.wide]
    assert row[0] == "x"


async def test_the_examples_are_accepted(server: ApiServer) -> None:
    for name in ("pools.yaml", "peers.yaml", "advertisement.yaml", "health-check.yaml"):
        await kubectl(server.admin, "apply", "--validate=strict", "-f", str(EXAMPLES / name))
