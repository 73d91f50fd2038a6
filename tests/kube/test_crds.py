"""What an API server makes of the CustomResourceDefinitions, compared with the parser: neither takes what the other refuses,
but for the rules of one list.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bgp_config.crd.definition import GROUP, VERSION, Definition
from bgp_config.crd.kinds import DEFINITIONS
from bgp_config.kind import ConfigKind
from bgp_config.parse import Accepted, Refused, parse
from bgp_config.parser_only import ParserOnly
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError, Client
from herald.lab.waiting import until
from tests.kube.specs import name as names
from tests.kube.specs import specs

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

REFUSALS = {400, 422}
BY_KIND: Mapping[str, Definition] = {definition.kind: definition for definition in DEFINITIONS}
PEER = {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0"}


def root(kind: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/{BY_KIND[kind].plural}"


@pytest.fixture
async def client(api_server: ApiServer) -> Client:
    """Of a server that serves Herald's kinds."""
    client = api_server.client
    client.apply([definition.manifest() for definition in DEFINITIONS])

    def served() -> bool:
        try:
            return all(client.get(root(kind)) is not None for kind in BY_KIND)
        except ApiError:
            return False

    await until(served, 20.0)
    return client


def stored(client: Client, kind: ConfigKind, name: str, spec: object) -> dict[str, Any] | str:
    """The object as the server would store it, or why it refuses.

    It is what the programs read: without unknown fields and nulls, and with 3.0 written as 3.
    """
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind.value, "metadata": {"name": name}, "spec": spec}
    try:
        answer: dict[str, Any] = client.request("POST", f"{root(kind.value)}?dryRun=All&fieldValidation=Ignore", body)
    except ApiError as error:
        if error.code not in REFUSALS:
            raise
        return str(error)
    return answer


@pytest.mark.parametrize("kind", ConfigKind)
def test_the_server_takes_what_the_parser_takes_and_no_more_but_for_one_list(client: Client, kind: ConfigKind) -> None:
    outcomes: Counter[tuple[type[Accepted | Refused], bool]] = Counter()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(name=names, spec=specs(kind))
    def holds(name: str, spec: dict[str, object]) -> None:
        parsed = parse(kind, name, spec)
        answer = stored(client, kind, name, spec)
        outcomes[type(parsed), isinstance(answer, str)] += 1
        if isinstance(answer, str):
            assert isinstance(parsed, Refused), f"only the server refuses: {answer}"
            return
        again = parse(kind, answer["metadata"]["name"], answer["spec"])
        if isinstance(again, Refused):
            assert all(problem.parser_only for problem in again.problems), [str(p) for p in again.problems]

    holds()
    assert outcomes[Accepted, False] > 10, "the specs are hardly ever right"
    assert outcomes[Refused, True] > 10, "the specs are hardly ever wrong"


UNKNOWN_TO_THE_SERVER = {
    ParserOnly.RANGE_ORDER: {"blocks": [{"start": "10.0.0.9", "stop": "10.0.0.1"}]},
    ParserOnly.RANGE_UNICAST: {"blocks": [{"start": "126.0.0.1", "stop": "128.0.0.1"}]},
    ParserOnly.BLOCKS_DISJOINT: {"blocks": [{"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.128/25"}]},
}


@pytest.mark.parametrize("rule", ParserOnly)
def test_the_list_holds_nothing_that_the_server_checks_too(client: Client, rule: ParserOnly) -> None:
    spec = UNKNOWN_TO_THE_SERVER[rule]
    parsed = parse(ConfigKind.ADDRESS_POOL, "x", spec)
    assert isinstance(parsed, Refused)
    assert {problem.parser_only for problem in parsed.problems} == {rule}
    assert isinstance(stored(client, ConfigKind.ADDRESS_POOL, "x", spec), dict)


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        (ConfigKind.ADDRESS_POOL, {"blocks": [{"cidr": "10.0.0.1/24"}]}, "without host bits"),
        (ConfigKind.ADDRESS_POOL, {"blocks": [{"cidr": "127.0.0.0/24"}]}, "must not be unspecified, loopback"),
        (ConfigKind.ADDRESS_POOL, {"blocks": [{"start": "10.0.0.1"}]}, "give either cidr, or both start and stop"),
        (ConfigKind.BGP_PEER, {**PEER, "keepaliveTimeSeconds": 31}, "at most a third of holdTimeSeconds"),
        (ConfigKind.BGP_PEER, {**PEER, "sourceAddress": "2001:db8::1"}, "of the family of peerAddress"),
        (ConfigKind.BGP_ADVERTISEMENT, {"communities": ["1:65536"]}, "must be a community"),
        (ConfigKind.COMMUNITY, {"value": "no-export"}, "must be a community"),
    ],
)
def test_the_server_says_what_would_be_right(client: Client, kind: ConfigKind, spec: object, said: str) -> None:
    answer = stored(client, kind, "x", spec)
    assert isinstance(answer, str)
    assert said in answer


@pytest.mark.parametrize("kind", ConfigKind)
def test_a_spec_is_required(client: Client, kind: ConfigKind) -> None:
    """To an advertisement none would mean everything."""
    answer = stored(client, kind, "x", None)
    assert isinstance(answer, str)
    assert "spec" in answer


def test_a_community_cannot_have_the_name_of_a_well_known_one(client: Client) -> None:
    answer = stored(client, ConfigKind.COMMUNITY, "no-export", {"value": "1:1"})
    assert isinstance(answer, str)
    assert "well-known" in answer
