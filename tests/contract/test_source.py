"""The contract of every source: what the five words mean, whatever the objects come from."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from herald.kube.objects import API_VERSIONS, Kind, ObjectKey, Service
from herald.kube.source import Fresh, Gone, Stale, Synced, Upsert
from herald.lab.kube.api_server import ApiServer
from tests.contract.api_harness import api_harness
from tests.contract.harness import DirectoryHarness, Manifest, SourceHarness
from tests.contract.reader import Reader

SERVICES = frozenset({Kind.SERVICE})
ALL = frozenset(Kind)
WEB = ObjectKey("default", "web")
VERSION = "example.org/version"

LEAST: dict[Kind, Manifest] = {
    Kind.SERVICE: {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}},
    Kind.ENDPOINT_SLICE: {"addressType": "IPv4", "endpoints": []},
    Kind.NODE: {},
    Kind.SECRET: {},
    Kind.SERVICE_CIDR: {"spec": {"cidrs": ["10.77.0.0/24"]}},
    Kind.ADDRESS_POOL: {"spec": {"blocks": [{"cidr": "198.51.100.0/24"}]}},
    Kind.BGP_PEER: {"spec": {"localASN": 64512, "peerASN": 65001, "peerAddress": "192.0.2.1"}},
    Kind.BGP_ADVERTISEMENT: {"spec": {"pools": ["default"]}},
    Kind.COMMUNITY: {"spec": {"value": "65000:1"}},
    Kind.BFD_PROFILE: {"spec": {}},
    Kind.HEALTH_CHECK: {"spec": {"protocol": "TCP"}},
    Kind.DRAIN: {"spec": {"nodes": ["node1"]}},
}
"""The least that an object of a kind consists of."""


@pytest.fixture
def directory(tmp_path: Path) -> SourceHarness:
    return DirectoryHarness(tmp_path)


@pytest.fixture
async def api(api_server: ApiServer, tmp_path: Path) -> AsyncIterator[SourceHarness]:
    async with api_harness(api_server, tmp_path) as harness:
        yield harness


@pytest.fixture(params=["directory", pytest.param("api", marks=pytest.mark.lab)])
def harness(request: pytest.FixtureRequest) -> SourceHarness:
    harness: SourceHarness = request.getfixturevalue(request.param)
    return harness


def service(name: str, version: str = "") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "annotations": {VERSION: version}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }


def version_of(reader: Reader, name: str) -> str:
    found = reader.get(Kind.SERVICE, name)
    assert isinstance(found, Service)
    return found.metadata.annotations[VERSION]


def has_version(name: str, expected: str) -> Callable[[Reader], bool]:
    return lambda reader: reader.has(Kind.SERVICE, name) and version_of(reader, name) == expected


def is_synced(reader: Reader) -> bool:
    return Kind.SERVICE in reader.synced


async def test_synced_is_said_only_when_every_object_was_reported(harness: SourceHarness) -> None:
    for number in range(100):
        await harness.apply(service(f"web-{number}"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        assert len(reader.objects) == 100


async def test_every_kind_is_synced_once_also_one_without_objects(harness: SourceHarness) -> None:
    async with harness.life(ALL) as reader:
        await reader.until(lambda r: r.synced == ALL)
        await harness.apply(service("web"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        assert sum(isinstance(word, Synced) for word in reader.words) == len(ALL)


@pytest.mark.parametrize("kind", sorted(Kind))
async def test_an_object_of_each_kind_is_reported_under_its_key(harness: SourceHarness, kind: Kind) -> None:
    namespaced = kind in {Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.SECRET}
    metadata = {"name": "one", "namespace": "shop"} if namespaced else {"name": "one"}
    await harness.apply({"apiVersion": API_VERSIONS[kind], "kind": str(kind), "metadata": metadata, **LEAST[kind]})
    async with harness.life(frozenset({kind})) as reader:
        await reader.until(lambda r: kind in r.synced)
        assert (kind, ObjectKey("shop" if namespaced else "", "one")) in reader.objects
        assert {kind for kind, _ in reader.objects} == {kind}


async def test_kinds_that_nobody_asked_for_are_not_reported(harness: SourceHarness) -> None:
    await harness.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1", "namespace": ""}})
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        assert list(reader.objects) == [(Kind.SERVICE, WEB)]


async def test_every_object_has_a_uid_and_a_creation_time(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        metadata = reader.get(Kind.SERVICE, "web").metadata
        assert metadata.uid
        assert metadata.creation_timestamp


async def test_a_restarted_source_reports_the_same_objects(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        before = reader.objects
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        assert reader.objects == before


async def test_create_and_update_are_reported(harness: SourceHarness) -> None:
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.apply(service("web", "one"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        await harness.apply(service("web", "two"))
        await reader.until(has_version("web", "two"))


async def test_a_slow_reader_sees_only_the_last_state(harness: SourceHarness) -> None:
    async with harness.life(SERVICES) as reader, harness.life(SERVICES) as quick:
        await reader.until(is_synced)
        for number in range(20):
            await harness.apply(service("web", f"version-{number}"))
            await quick.until(has_version("web", f"version-{number}"))
        await reader.until(has_version("web", "version-19"))
        # The last one or two: of two sources at one server, the second may hear a moment later.
        assert sum(isinstance(word, Upsert) for word in reader.words) <= 2


async def test_an_object_written_again_with_the_same_meaning_is_not_reported(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.apply(service("web"))
        await harness.apply(service("other"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "other"))
        assert sum(isinstance(word, Upsert) and word.key == WEB for word in reader.words) == 1


async def test_a_deleted_object_is_gone_once(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    await harness.apply(service("stays"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.delete(Kind.SERVICE, WEB)
        await reader.until(lambda r: not r.has(Kind.SERVICE, "web"), within_s=harness.removal_s)
        assert reader.has(Kind.SERVICE, "stays")
        assert [word for word in reader.words if isinstance(word, Gone)] == [Gone(Kind.SERVICE, WEB)]


async def test_what_was_gone_can_come_back(harness: SourceHarness) -> None:
    await harness.apply(service("web", "one"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.delete(Kind.SERVICE, WEB)
        await reader.until(lambda r: not r.has(Kind.SERVICE, "web"), within_s=harness.removal_s)
        await harness.apply(service("web", "one"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))


async def test_what_vanished_while_the_source_was_down_is_not_reported(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    await harness.apply(service("stays"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
    await harness.delete(Kind.SERVICE, WEB)
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        assert not reader.has(Kind.SERVICE, "web")
        assert reader.has(Kind.SERVICE, "stays")


async def test_a_broken_outside_is_stale_with_a_reason_and_takes_nothing_away(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.break_outside()
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        assert [word.why for word in reader.words if isinstance(word, Stale)] != [""]
        assert not [word for word in await reader.read_for(harness.removal_s) if isinstance(word, Gone)]
        assert reader.has(Kind.SERVICE, "web")


async def test_fresh_is_said_when_all_that_changed_meanwhile_was_reported(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    await harness.apply(service("changes", "one"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        await harness.break_outside()
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        await harness.delete(Kind.SERVICE, WEB)
        await harness.apply(service("changes", "two"))
        await harness.apply(service("new"))
        await harness.mend_outside()
        await reader.until(lambda r: Kind.SERVICE not in r.stale, within_s=5.0 + harness.removal_s)
        assert {key.name for _, key in reader.objects} == {"changes", "new"}
        assert version_of(reader, "changes") == "two"
        assert isinstance(reader.words[-1], Fresh)


async def test_a_source_that_starts_with_a_broken_outside_is_stale_and_syncs_later(harness: SourceHarness) -> None:
    await harness.apply(service("web"))
    await harness.break_outside()
    async with harness.life(SERVICES) as reader:
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        assert not reader.synced
        await harness.mend_outside()
        await reader.until(lambda r: is_synced(r) and Kind.SERVICE not in r.stale)
        assert reader.has(Kind.SERVICE, "web")


async def test_an_object_that_does_not_decode_is_named_and_the_others_are_served(harness: SourceHarness) -> None:
    broken = service("broken")
    broken["spec"]["externalTrafficPolicy"] = "Sometimes"
    await harness.apply(broken)
    await harness.apply(service("web"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        assert list(reader.objects) == [(Kind.SERVICE, WEB)]
        assert harness.named(ObjectKey("default", "broken"))
        assert harness.withheld(Kind.SERVICE, ObjectKey("default", "broken"))
        await harness.apply(service("broken"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "broken"))
        assert not harness.named(ObjectKey("default", "broken"))
        assert not harness.withheld(Kind.SERVICE, ObjectKey("default", "broken"))


async def test_an_update_that_does_not_decode_leaves_the_last_good_form(harness: SourceHarness) -> None:
    await harness.apply(service("web", "good"))
    async with harness.life(SERVICES) as reader:
        await reader.until(is_synced)
        broken = service("web", "bad")
        broken["spec"]["externalTrafficPolicy"] = "Sometimes"
        await harness.apply(broken)
        await harness.apply(service("other"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "other"))
        await reader.read_for(harness.removal_s)
        assert version_of(reader, "web") == "good"
        assert harness.named(WEB)
