"""What the status of each configuration object should say, and which AddressPools must not vanish. Pure.

Conditions, as kstatus and Argo CD read them: Accepted (its form is right), Programmed (that form is what works now),
Ready (both, and all that it names exists), Stalled (only a person can help). A pool has the finalizer FINALIZER while it
is not deleted; one that is deleted keeps it, and serves on, until its addresses are released: by nobody holding any, by
another pool that has those that are held, or by a person who sets the annotation RELEASE to "true".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bgp_config.config import Pool
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import Family, PoolName
from bgp_config.status.base import MAX_NUMBER, clip
from bgp_config.status.condition import Condition, ConditionStatus, ConditionType, ConfigStatus
from bgp_config.status.pool import AddressPoolStatus, PoolUse
from bgp_config.verdict import InForce, Verdict
from controller.plan import Plan
from herald.kube.objects import ConfigManifest

FINALIZER = "herald-lb.io/in-use"
RELEASE = "herald-lb.io/release"
MAX_MESSAGE = 4096

ObjectStatus: TypeAlias = ConfigStatus | AddressPoolStatus


@dataclass(frozen=True, slots=True)
class Said:
    """A condition without its times."""

    type: ConditionType
    holds: bool
    reason: str
    message: str = ""


def keeps(plan: Plan, manifest: ConfigManifest) -> bool:
    """Whether this AddressPool must have the finalizer."""
    if manifest.metadata.deletion_timestamp is None:
        return True
    return manifest.metadata.annotations.get(RELEASE) != "true" and bool(_stranded(plan, manifest))


def status_of(plan: Plan, manifest: ConfigManifest, now: datetime) -> ObjectStatus | None:
    """None while nothing is known of the object."""
    verdict = plan.verdicts.get(ConfigKey(ConfigKind(manifest.kind.value), manifest.metadata.name))
    if verdict is None:
        return None
    conditions = conditions_of(plan, manifest, verdict, now)
    if manifest.kind.value != ConfigKind.ADDRESS_POOL:
        return ConfigStatus(conditions=conditions)
    return AddressPoolStatus(
        ipv4=_use(plan, manifest, Family.IPV4), ipv6=_use(plan, manifest, Family.IPV6), conditions=conditions
    )


def conditions_of(
    plan: Plan, manifest: ConfigManifest, verdict: Verdict, now: datetime, own: Iterable[Said] = ()
) -> tuple[Condition, ...]:
    """`own`: those that a kind has another word about, instead of what holds for all."""
    said = {each.type: each for each in (*_said(plan, manifest, verdict), *own)}
    return tuple(_dated(each, manifest, verdict.generation, now) for each in said.values())


def _said(plan: Plan, manifest: ConfigManifest, verdict: Verdict) -> Iterator[Said]:
    problems = clip(" ".join(str(problem) for problem in verdict.problems), MAX_MESSAGE)
    warnings = clip(" ".join(str(warning) for warning in verdict.warnings), MAX_MESSAGE)
    programmed = verdict.in_force is InForce.CURRENT
    yield Said(ConditionType.ACCEPTED, verdict.accepted, "Accepted" if verdict.accepted else "Refused", problems or warnings)
    yield Said(ConditionType.PROGRAMMED, programmed, verdict.in_force, _in_force(verdict))
    yield Said(ConditionType.STALLED, not verdict.accepted, "Accepted" if verdict.accepted else "Refused", problems)
    yield _ready(plan, manifest, verdict, problems)


def _in_force(verdict: Verdict) -> str:
    match verdict.in_force:
        case InForce.CURRENT:
            return ""
        case InForce.LAST_GOOD:
            return "an earlier form of this object, the last one that was right, stays in force"
        case InForce.NOTHING:
            return "this object has no effect"


def _ready(plan: Plan, manifest: ConfigManifest, verdict: Verdict, problems: str) -> Said:
    if manifest.metadata.deletion_timestamp is not None and manifest.kind.value == ConfigKind.ADDRESS_POOL:
        held = len(_stranded(plan, manifest))
        message = (
            f"{held} of its addresses are held by Services and in no other pool: they are served on. Let another"
            f' AddressPool have them, or set the annotation {RELEASE} to "true" to withdraw them.'
        )
        return Said(ConditionType.READY, False, "Terminating", message)
    if not verdict.accepted:
        return Said(ConditionType.READY, False, "Refused", problems)
    if verdict.pending:
        missing = clip(", ".join(str(key) for key in verdict.pending), MAX_MESSAGE)
        return Said(ConditionType.READY, False, "Pending", f"not there yet, or not accepted: {missing}")
    return Said(ConditionType.READY, True, "Ready")


def _dated(said: Said, manifest: ConfigManifest, generation: int, now: datetime) -> Condition:
    """The time stays as long as the status does."""
    status = ConditionStatus.TRUE if said.holds else ConditionStatus.FALSE
    before = next((each for each in manifest.status.conditions if each.type == said.type), None)
    since = datetime.fromisoformat(before.last_transition_time) if before and before.status == status else now
    return Condition(
        type=said.type,
        status=status,
        observed_generation=generation,
        last_transition_time=since.replace(microsecond=0),
        reason=said.reason,
        message=said.message,
    )


def _pool(plan: Plan, manifest: ConfigManifest) -> Pool | None:
    return plan.config.pools.get(PoolName(manifest.metadata.name))


def _stranded(plan: Plan, manifest: ConfigManifest) -> frozenset[object]:
    """The addresses of a pool that Services hold, and no other pool has."""
    pool = _pool(plan, manifest)
    held = plan.ledger.held_in(pool) if pool else frozenset()
    return frozenset(address for address in held if plan.ledger.space_of(address) is None)


def _use(plan: Plan, manifest: ConfigManifest, family: Family) -> PoolUse | None:
    pool = _pool(plan, manifest)
    if pool is None:
        return None
    if space := plan.ledger.pools.get(pool.name):
        total, used = space.size(family), space.used(family)
    else:
        total = sum(block.size for block in pool.ranges if block.family is family)
        used = sum(1 for address in plan.ledger.held_in(pool) if Family.of(address) is family)
    return PoolUse(total=min(total, MAX_NUMBER), used=min(used, MAX_NUMBER)) if total else None
