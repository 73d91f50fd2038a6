"""Which endpoints can take traffic."""

import pytest

from bgp_config.names import Family, NodeName
from herald.kube.objects import Endpoint, EndpointConditions
from speaker.endpoints import Serving, serving
from tests.builders import DRAINING, READY, UNKNOWN, UNREADY, endpoint, endpoint_slice

HERE = NodeName("node1")


def all_here(number: int) -> Serving:
    return Serving(anywhere=number, here=number, staying=number)


def count(*slices: list[Endpoint], family: Family = Family.IPV4, publish_not_ready: bool = False) -> Serving:
    objects = [endpoint_slice("web", endpoints, name=f"web-{i}") for i, endpoints in enumerate(slices)]
    return serving(objects, family, HERE, publish_not_ready=publish_not_ready)


@pytest.mark.parametrize(
    ("conditions", "usable", "staying"),
    [
        (READY, 1, 1),
        (UNREADY, 0, 0),
        (DRAINING, 1, 0),
        (UNKNOWN, 1, 1),
        (EndpointConditions(ready=False), 0, 0),
        (EndpointConditions(ready=None, serving=False), 1, 1),
    ],
)
def test_an_endpoint_counts_when_ready_unknown_or_still_serving(
    conditions: EndpointConditions, usable: int, staying: int
) -> None:
    found = count([endpoint("node1", "10.244.1.1", conditions)])
    assert found == Serving(anywhere=usable, here=usable, staying=staying)


def test_endpoints_of_other_nodes_count_only_anywhere() -> None:
    here_and_there = [endpoint("node1", "10.244.1.1"), endpoint("node2", "10.244.2.1"), endpoint(None, "10.244.3.1")]
    assert count(here_and_there) == Serving(anywhere=3, here=1, staying=1)


def test_an_endpoint_that_ends_counts_and_does_not_stay_beside_one_that_does() -> None:
    both = [endpoint("node1", "10.244.1.1", DRAINING), endpoint("node1", "10.244.1.2")]
    assert count(both) == Serving(anywhere=2, here=2, staying=1)


def test_endpoints_of_all_slices_add_up() -> None:
    assert count([endpoint("node1", "10.244.1.1")], [endpoint("node1", "10.244.1.2")]) == all_here(2)


def test_an_address_in_two_slices_counts_once() -> None:
    assert count([endpoint("node1", "10.244.1.1")], [endpoint("node1", "10.244.1.1")]) == all_here(1)


@pytest.mark.parametrize("order", [(READY, UNREADY), (UNREADY, READY)])
def test_an_address_that_one_slice_speaks_against_does_not_count(order: tuple[EndpointConditions, ...]) -> None:
    slices = [[endpoint("node1", "10.244.1.1", conditions)] for conditions in order]
    assert count(*slices) == all_here(0)


def test_only_slices_of_the_family_count() -> None:
    assert count([endpoint("node1", "10.244.1.1")], family=Family.IPV6) == all_here(0)


def test_publish_not_ready_addresses_takes_all() -> None:
    assert count([endpoint("node1", "10.244.1.1", UNREADY)], publish_not_ready=True) == all_here(1)
