from datetime import UTC, datetime

import msgspec

from bgp_config.status.condition import ConditionStatus
from bgp_config.status.pool import AddressPoolStatus, PoolUse
from controller.config_state import RELEASE, keeps, status_of
from controller.plan import KINDS, Plan
from herald.kube.objects import Condition, ConfigManifest, ConfigStatus, Kind, Metadata, Service
from herald.kube.source import Synced, Upsert
from tests.unit.controller.build import CLASS, lb, pool_manifest

NOW = datetime(2026, 2, 2, 3, 4, 5, 678, tzinfo=UTC)


def planned(*things: ConfigManifest | Service) -> Plan:
    plan = Plan(CLASS)
    for thing in things:
        kind = thing.kind if isinstance(thing, ConfigManifest) else Kind.SERVICE
        plan.apply(Upsert(kind, thing.key, thing))
    for kind in KINDS:
        plan.apply(Synced(kind))
    plan.settle()
    return plan


def deleted(pool: ConfigManifest, release: str | None = None) -> ConfigManifest:
    metadata = Metadata(
        name=pool.metadata.name,
        deletion_timestamp="2026-01-01T00:00:00Z",
        annotations={} if release is None else {RELEASE: release},
    )
    return msgspec.structs.replace(pool, metadata=metadata)


def said(plan: Plan, manifest: ConfigManifest) -> dict[str, tuple[str, str]]:
    status = status_of(plan, manifest, NOW)
    assert status
    return {each.type: (each.status, each.reason) for each in status.conditions}


A = pool_manifest("a", "10.0.0.0/30", "2001:db8::/64")
USER = lb("web", "10.0.0.1")


def test_a_pool_in_order_and_how_much_of_it_is_used() -> None:
    plan = planned(A, USER)
    assert said(plan, A) == {
        "Accepted": ("True", "Accepted"),
        "Programmed": ("True", "Current"),
        "Stalled": ("False", "Accepted"),
        "Ready": ("True", "Ready"),
    }
    status = status_of(plan, A, NOW)
    assert isinstance(status, AddressPoolStatus)
    assert status.ipv4 == PoolUse(total=4, used=1)
    assert status.ipv6
    assert status.ipv6.total == 2**53 - 1


def test_a_refused_object_is_stalled_and_says_all_that_is_wrong() -> None:
    wrong = pool_manifest("wrong", "10.0.0.0/33", "nonsense")
    status = status_of(planned(wrong), wrong, NOW)
    assert status
    stalled = next(each for each in status.conditions if each.type == "Stalled")
    assert stalled.status is ConditionStatus.TRUE
    assert "blocks[0]" in stalled.message
    assert "blocks[1]" in stalled.message
    assert said(planned(wrong), wrong)["Programmed"] == ("False", "Nothing")


def test_one_that_names_what_is_not_there_is_accepted_and_not_ready() -> None:
    spec = {"pools": ["nowhere"]}
    advertisement = ConfigManifest(kind=Kind.BGP_ADVERTISEMENT, metadata=Metadata(name="adv"), spec=spec)
    found = said(planned(advertisement), advertisement)
    assert found["Accepted"] == ("True", "Accepted")
    assert found["Ready"] == ("False", "Pending")


def test_the_time_of_a_condition_stays_while_its_status_does() -> None:
    then = "2026-01-01T00:00:00Z"
    shown = [Condition(type=type_, status="True", last_transition_time=then) for type_ in ("Ready", "Stalled")]
    before = msgspec.structs.replace(A, status=ConfigStatus(conditions=shown))
    status = status_of(planned(before), before, NOW)
    assert status
    since = {each.type: each.last_transition_time for each in status.conditions}
    assert since["Ready"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert since["Stalled"] == NOW.replace(microsecond=0)


def test_a_pool_that_is_not_deleted_is_kept_in_use_or_not() -> None:
    assert keeps(planned(A), A)


def test_a_deleted_pool_is_kept_while_services_hold_its_addresses_unless_it_is_released() -> None:
    gone = deleted(A)
    assert keeps(planned(gone, USER), gone)
    assert said(planned(gone, USER), gone)["Ready"] == ("False", "Terminating")
    assert not keeps(planned(gone), gone)
    released = deleted(A, release="true")
    assert not keeps(planned(released, USER), released)
    declined = deleted(A, release="false")
    assert keeps(planned(declined, USER), declined)


def test_a_deleted_pool_is_not_kept_once_another_has_all_the_addresses_that_are_held() -> None:
    gone, other = deleted(A), lb("other", "10.0.0.2")
    part, whole = pool_manifest("b", "10.0.0.1/32"), pool_manifest("b", "10.0.0.0/30")
    assert keeps(planned(gone, USER, other, part), gone)
    assert not keeps(planned(gone, USER, other, whole), gone)


def test_a_deleted_pool_gives_no_address() -> None:
    plan = planned(deleted(A), lb("new"))
    assert plan.records[lb("new").key].decided == ()
