"""The example manifests are accepted as they are, and together mean what they say."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgp_config.communities import StandardCommunity
from bgp_config.kind import ConfigKind
from bgp_config.names import AdvertisementName, PeerName, PoolName
from bgp_config.parse import UnknownFields
from bgp_config.selector import selected
from bgp_config.store import ConfigStore
from bgp_config.verdict import InForce

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
NODES = ["node1", "node2", "node3"]


def manifests(kind: str | None = None) -> Iterator[Any]:
    for file in sorted(EXAMPLES.rglob("*.yaml")):
        yield from (m for m in yaml.safe_load_all(file.read_text()) if kind in {None, m["kind"]})


@pytest.fixture
def store() -> ConfigStore:
    store = ConfigStore(UnknownFields.ERROR)
    for kind in ConfigKind:
        for manifest in manifests(kind):
            store.upsert(kind, manifest["metadata"]["name"], None, 1, manifest["spec"])
    return store


def test_every_configuration_object_is_in_force_without_a_word_against_it(store: ConfigStore) -> None:
    assert len(store.verdicts) == 10
    for key, verdict in store.verdicts.items():
        assert verdict.in_force is InForce.CURRENT, key
        assert (verdict.problems, verdict.warnings, verdict.pending) == ((), (), ()), key


def test_each_node_has_a_session_with_each_router(store: ConfigStore) -> None:
    assert set(store.config.peers) == {PeerName(f"{node}-tor{tor}") for node in NODES for tor in (1, 2)}
    for name, peer in store.config.peers.items():
        node, tor = name.split("-tor")
        assert str(peer.address) == f"10.{tor}.{node.removeprefix('node')}.0"
        assert (peer.local_asn, peer.peer_asn) == (64512, 65000 + int(tor))
        assert (peer.hold_time_s, peer.keepalive_time_s) == (9, 3)
        assert peer.node_selectors is not None
        (selector,) = peer.node_selectors
        assert [n for n in NODES if selector.matches({"kubernetes.io/hostname": n})] == [node]


def test_the_pool_is_announced_with_the_named_community(store: ConfigStore) -> None:
    advertisement = store.config.advertisements[AdvertisementName("default")]
    assert advertisement.pools == frozenset({PoolName("default")})
    assert advertisement.communities == {StandardCommunity(64512, 100)}


def test_the_health_check_selects_the_ingress_controller_alone(store: ConfigStore) -> None:
    (check,) = store.config.health_checks.values()
    checked = [s for s in manifests("Service") if selected(check.service_selectors, s["metadata"].get("labels", {}))]
    assert [s["metadata"]["name"] for s in checked] == ["web"]
    assert checked[0]["spec"]["externalTrafficPolicy"] == "Local", "others are not probed"


def test_every_service_has_a_slice_file_of_its_name_with_an_endpoint_on_every_node() -> None:
    services = list(manifests("Service"))
    assert len(services) == 4
    for service in services:
        name = service["metadata"]["name"]
        slice_ = yaml.safe_load((EXAMPLES / "endpointslices" / f"{name}.yaml").read_text())
        assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == name
        assert slice_["metadata"]["namespace"] == service["metadata"]["namespace"]
        assert [e["nodeName"] for e in slice_["endpoints"]] == NODES
        assert [e["addresses"] for e in slice_["endpoints"]] == [[f"10.0.255.{i}"] for i in (1, 2, 3)]
    assert len(list((EXAMPLES / "endpointslices").iterdir())) == 4


def test_a_requested_address_is_in_a_pool(store: ConfigStore) -> None:
    requested = [s["spec"]["loadBalancerIP"] for s in manifests("Service") if "loadBalancerIP" in s["spec"]]
    assert requested
    assert all(store.config.pool_of(ip_address(address)) for address in requested)


def test_the_nodes_have_the_labels_and_addresses_that_peers_and_slices_use() -> None:
    for i, node in enumerate(manifests("Node"), start=1):
        assert node["metadata"]["labels"]["kubernetes.io/hostname"] == f"node{i}"
        assert {"type": "InternalIP", "address": f"10.0.255.{i}"} in node["status"]["addresses"]
