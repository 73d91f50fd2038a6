"""What this node's BGPNode and BGPSession objects should say, rendered from the speaker's own state. Pure.

Everything is said each time, since what server-side apply does not name again is removed. Texts and lists are bounded.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from types import MappingProxyType

import msgspec

from bgp_config.config import Config, NodeValue, Peer
from bgp_config.names import PeerName
from bgp_config.status.base import clip
from bgp_config.status.condition import Condition, ConditionStatus, ConditionType
from bgp_config.status.node import (
    MAX_ERRORS,
    PASSING_REASONS,
    PLAIN_REASONS,
    BGPNodeStatus,
    ConfigInUse,
    Counts,
    DataPath,
    DataPathState,
    Drain,
    NodeError,
    ServiceNotNormal,
)
from bgp_config.status.session import BGPSessionStatus, SessionBFD, SessionError, State, session_name
from bgp_config.verdict import InForce
from speaker.bfd.report import BfdReport, session_bfd
from speaker.core import Core
from speaker.drain import Progress
from speaker.not_normal import not_normal
from speaker.reasons import Reason
from speaker.session import SessionState
from speaker.statement import DataPathReport, Statement
from speaker.table import SessionRecord, SessionTable

VERSION = version("herald-lb")
HASH_DIGITS = 12


class Since:
    """Remembers since when each thing has been as it is. One owner; things that are no longer asked about are few."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Hashable, datetime]] = {}

    def of(self, what: str, value: Hashable, now: datetime) -> datetime:
        """When `what` first had this value, of which it has had no other since."""
        known = self._known.get(what)
        if known is None or known[0] != value:
            known = self._known[what] = (value, now)
        return known[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, by both clocks."""

    monotonic: float
    utc: datetime

    def at(self, monotonic: float) -> datetime:
        """The time of day of another moment of the monotonic clock, in whole seconds, so that it renders the same again."""
        return (self.utc - timedelta(seconds=self.monotonic - monotonic)).replace(microsecond=0)


def node_status(core: Core, table: SessionTable, told: Statement, since: Since, now: Moment) -> BGPNodeStatus:
    utc = now.utc.replace(microsecond=0)
    errors = tuple(_errors(core, [*told.errors, *told.bfd.errors()], since, utc))
    named, total = not_normal(core)
    return BGPNodeStatus(
        version=VERSION,
        config=_config(core, since, utc),
        counts=_counts(core, table),
        data_path=_data_path(told.data_path),
        drain=_drain(core, told.progress, since, utc),
        stale_since=None if told.stale_since is None else since.of("stale", told.stale_since, now.at(told.stale_since)),
        errors=errors[:MAX_ERRORS],
        services_not_normal=named,
        services_not_normal_total=total,
        conditions=(_ready(core, table, since, utc),),
    )


def session_statuses(
    core: Core, table: SessionTable, bfd: BfdReport, since: Since, now: Moment
) -> dict[str, BGPSessionStatus]:
    """One per peer that selects this node, by the object's name; but none for a peer that the Node lacks values for."""
    rendered = ((peer.name, _session(peer, core, table, bfd, since, now)) for peer in core.peers())
    return {session_name(core.cluster.node_name, peer): status for peer, status in rendered if status}


def _session(
    peer: Peer, core: Core, table: SessionTable, bfd: BfdReport, since: Since, now: Moment
) -> BGPSessionStatus | None:
    spec = core.peering.sessions.get(peer.name)
    record = table.records.get(spec) if spec else None
    address = spec.peer_address if spec else peer.address
    peer_asn, local_asn = (spec or peer).peer_asn, (spec or peer).local_asn
    if isinstance(address, NodeValue) or isinstance(peer_asn, NodeValue) or isinstance(local_asn, NodeValue):
        return None
    state, changed_at, error = _state(peer.name, core, record, since, now)
    return BGPSessionStatus(
        node=core.cluster.node_name,
        peer=peer.name,
        peer_address=str(address),
        local_address=str(spec.local_address) if spec else None,
        peer_asn=peer_asn,
        local_asn=local_asn,
        state=state,
        since=changed_at,
        hold_time_seconds=record.hold_time_s if record and record.hold_time_s is not None else peer.hold_time_s,
        prefixes=len(record.on_wire) if record else 0,
        last_error=error,
        bfd=_bfd(peer.name, bfd, since, now),
    )


def _bfd(peer: PeerName, bfd: BfdReport, since: Since, now: Moment) -> SessionBFD | None:
    account = bfd.peers.get(peer)
    if account is None or account.status is None:
        return session_bfd(account, None) if account else None
    return session_bfd(account, since.of(f"bfd {peer}", account.status.since, now.at(account.status.since)))


def _state(
    peer: PeerName, core: Core, record: SessionRecord | None, since: Since, now: Moment
) -> tuple[State, datetime, SessionError | None]:
    refusal = core.peering.refused.get(peer)
    what = f"session {peer}"
    if refusal is not None or record is None:
        at = since.of(what, refusal, now.utc.replace(microsecond=0))
        return State.DOWN, at, SessionError(text=refusal.remedy, at=at) if refusal else None
    state = State.ESTABLISHED if record.state is SessionState.ESTABLISHED else State.DOWN
    at = since.of(what, (state, record.transitions), now.at(record.since))
    if record.last_error is None:
        return state, at, None
    failed_at = since.of(f"{what} error", record.failures, now.at(record.failed_at))
    code, subcode = record.error or (None, None)
    return state, at, SessionError(code=code, subcode=subcode, text=clip(record.last_error), at=failed_at)


def _config(core: Core, since: Since, now: datetime) -> ConfigInUse:
    digest = config_hash(core.cluster.config)
    refused = sum(verdict.in_force is not InForce.CURRENT for verdict in core.cluster.verdicts.values())
    return ConfigInUse(hash=digest, since=since.of("config", digest, now), refused=refused)


def config_hash(config: Config) -> str:
    """The same for configurations of one meaning, in any process."""

    def plain(value: object) -> object:
        return dict(value) if isinstance(value, MappingProxyType) else str(value)

    content = (config.pools, config.peers, config.advertisements, config.bfd_profiles, config.health_checks)
    return sha256(msgspec.json.encode(content, enc_hook=plain, order="deterministic")).hexdigest()[:HASH_DIGITS]


def _counts(core: Core, table: SessionTable) -> Counts:
    states = [vip.state for decision in core.decisions.values() for vip in decision.vips]
    announced = sum(state.is_announced for state in states)
    return Counts(
        announced=announced,
        withheld=len(states) - announced,
        sessions=len(core.peering.sessions),
        established=_established(core, table),
        least_preferred=sum(state.is_least_preferred for state in states),
    )


def _established(core: Core, table: SessionTable) -> int:
    records = (table.records.get(spec) for spec in core.peering.sessions.values())
    return sum(record is not None and record.state is SessionState.ESTABLISHED for record in records)


def _data_path(report: DataPathReport) -> DataPath:
    states = {True: DataPathState.HEALTHY, False: DataPathState.UNHEALTHY, None: DataPathState.UNKNOWN}
    state = DataPathState.NOT_CHECKED if report.kind == "none" else states[report.answers]
    return DataPath(kind=clip(report.kind, 316), state=state, last_sync=report.last_sync, timeouts=report.timeouts)


def _drain(core: Core, progress: Progress, since: Since, now: datetime) -> Drain | None:
    reason = core.node_standing.reason
    since_when = since.of("drain", reason, now)
    if reason is None:
        return None
    message = clip(reason.remedy)
    return Drain(reason=reason.value, since=since_when, message=message, phase=progress.said, grants=progress.grants)


def _errors(core: Core, known: Sequence[tuple[str, str, str]], since: Since, now: datetime) -> Iterator[NodeError]:
    """What is `known` to others; peers without a session or with too many prefixes; advertisements that disagree; kinds that
    lag behind; configuration objects of which the current form is not in force.
    """
    refused = sorted(core.peering.refused.items())
    found = [*known, *((f"BGPPeer/{peer}", reason.value, reason.remedy) for peer, reason in refused)]
    found += [
        (f"BGPPeer/{peer}", Reason.PREFIX_LIMIT.value, f"{count} prefixes are withheld: {Reason.PREFIX_LIMIT.remedy}")
        for peer, count in sorted(core.beyond_limits.items())
    ]
    found += [
        (f"BGPAdvertisement/{conflict.advertisements[0]}", "advertisementsDisagree", str(conflict))
        for conflict in sorted(core.conflicts)
    ]
    found += [(kind.value, "stale", why) for kind, why in sorted(core.cluster.stale.items())]
    for key, verdict in core.cluster.verdicts.items():
        if verdict.in_force is not InForce.CURRENT:
            problems = "; ".join(str(problem) for problem in verdict.problems)
            found.append((str(key), f"inForce{verdict.in_force.value}", problems))
    for about, reason, message in found:
        at = since.of(f"error {about}", reason, now)
        yield NodeError(about=clip(about, 316), reason=reason, message=clip(message), since=at)


def _ready(core: Core, table: SessionTable, since: Since, now: datetime) -> Condition:
    status, reason, message = _readiness(core, table)
    return Condition(
        type=ConditionType.READY.value,
        status=status,
        last_transition_time=since.of("ready", status, now),
        reason=reason,
        message=clip(message),
    )


def _readiness(core: Core, table: SessionTable) -> tuple[ConditionStatus, str, str]:
    cluster, peering = core.cluster, core.peering
    wanted, established = len(peering.sessions) + len(peering.refused), _established(core, table)
    if missing := cluster.missing:
        return ConditionStatus.FALSE, "NotSynced", f"not listed yet: {', '.join(sorted(missing))}"
    if established < wanted:
        return ConditionStatus.FALSE, "SessionsDown", f"{established} of {wanted} sessions are Established"
    if cluster.stale:
        return ConditionStatus.TRUE, "Stale", f"not heard from the API: {', '.join(sorted(cluster.stale))}"
    return ConditionStatus.TRUE, "Ready", f"{established} of {wanted} sessions are Established"


def state_of(status: BGPNodeStatus | BGPSessionStatus) -> Mapping[str, object]:
    """The part that is written at once when it changes; the rest are counts."""
    said: dict[str, object] = msgspec.to_builtins(status)
    for count in ("counts", "dataPath", "servicesNotNormal", "servicesNotNormalTotal", "prefixes", "heartbeat"):
        said.pop(count, None)
    return said


def words_of(status: BGPNodeStatus | BGPSessionStatus) -> tuple[Sequence[ServiceNotNormal], bool]:
    """The Services of which others must hear soon, as this node cannot be counted on and the objects do not tell so; and
    whether there are more of them than it could name, so that it cannot be counted on for any.
    """
    if not isinstance(status, BGPNodeStatus):
        return (), False
    named = status.services_not_normal
    urgent = [each for each in named if each.reason not in PLAIN_REASONS | PASSING_REASONS]
    return urgent, len(urgent) == len(named) < status.services_not_normal_total


def passing_of(status: BGPNodeStatus | BGPSessionStatus) -> frozenset[ServiceNotNormal]:
    """The Services of which it says what is over within seconds."""
    said = status.services_not_normal if isinstance(status, BGPNodeStatus) else ()
    return frozenset(each for each in said if each.reason in PASSING_REASONS)
