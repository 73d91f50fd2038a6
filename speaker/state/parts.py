"""What the parts of the speaker remember beyond the objects: what the data path has, what flaps, what left when. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address

import msgspec

from bgp_config.names import Family
from herald.kube.objects import Kind, ObjectKey
from herald.kube.staleness import Staleness
from speaker.admission import Admission
from speaker.core import Core
from speaker.data_path import Poll
from speaker.evidence import Claim
from speaker.exabgp.pauses import Refusal, Refusals
from speaker.flaps import Flaps
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.leaving import Leaving

_Claim = tuple[str, str, str]


class _Overdue(msgspec.Struct, frozen=True):
    claim: _Claim
    since: float
    service_changed: float | None = None
    endpoints_changed: float | None = None
    health_check: tuple[str, int] | None = None


class _Flap(msgspec.Struct, frozen=True):
    claim: _Claim
    level: int
    since: float


class _Flaps(msgspec.Struct, frozen=True):
    histories: list[_Flap] = []
    held: list[_Claim] = []


class _Refusal(msgspec.Struct, frozen=True):
    local: str
    peer: str
    port: int
    count: int
    until: float


class Admitted:
    """What the data-path gate has let through, so that a restart waits for nothing that is there already."""

    name = "admitted"

    def __init__(self, core: Core) -> None:
        self._core = core

    def remember(self) -> list[_Claim]:
        return [_plain(claim) for claim in self._core.admitted]

    def recall(self, said: msgspec.Raw) -> None:
        self._core.admit(_claim(each) for each in msgspec.json.decode(said, type=list[_Claim]))


class Overdue:
    """What of that went out without word, and for what: a restart proves nothing.

    Told after what was let through, never before: what turns overdue between the two is then not let through yet, and waits.
    """

    name = "overdue"

    def __init__(self, admission: Admission, core: Core) -> None:
        self._admission = admission
        self._core = core

    def remember(self) -> list[_Overdue]:
        return [
            _Overdue(
                _plain(claim),
                wanted.since,
                wanted.service_changed,
                wanted.endpoints_changed,
                (str(check.address), check.port) if (check := wanted.health_check) else None,
            )
            for claim, wanted in self._admission.gate.overdue.items()
        ]

    def recall(self, said: msgspec.Raw) -> None:
        overdue = msgspec.json.decode(said, type=list[_Overdue])
        self._admission.recall(self._core, {_claim(each.claim): _wanted(each) for each in overdue})


class SilentSince:
    """When the data path fell silent: a new speaker that hears nothing either knows for how long."""

    name = "silentSince"

    def __init__(self, poll: Poll) -> None:
        self._poll = poll

    def remember(self) -> float | None:
        return self._poll.silent_since

    def recall(self, said: msgspec.Raw) -> None:
        self._poll.silent_since = msgspec.json.decode(said, type=float | None)


class Flapping:
    """How often each VIP came and went, and which wait for it."""

    name = "flapping"

    def __init__(self, flaps: Flaps, core: Core) -> None:
        self._flaps = flaps
        self._core = core

    def remember(self) -> _Flaps:
        levels = self._flaps.hold_down.levels
        histories = [_Flap(_plain(claim), level, since) for claim, (level, since) in levels.items()]
        return _Flaps(histories=histories, held=[_plain(claim) for claim in self._core.held])

    def recall(self, said: msgspec.Raw) -> None:
        flaps = msgspec.json.decode(said, type=_Flaps)
        self._flaps.hold_down.recall({_claim(each.claim): (each.level, each.since) for each in flaps.histories})
        self._core.hold(_claim(each) for each in flaps.held)


class LeavingSince:
    """When this node began to leave: its routes have had part of their time."""

    name = "leavingSince"

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving

    def remember(self) -> float | None:
        return self._leaving.since

    def recall(self, said: msgspec.Raw) -> None:
        self._leaving.since = msgspec.json.decode(said, type=float | None)


class StaleSince:
    """Since when each kind may lag behind: a restart makes nothing fresh."""

    name = "staleSince"

    def __init__(self, staleness: Staleness) -> None:
        self._staleness = staleness

    def remember(self) -> Mapping[Kind, float]:
        return dict(self._staleness.since)

    def recall(self, said: msgspec.Raw) -> None:
        self._staleness.recall(msgspec.json.decode(said, type=dict[Kind, float]))


class Refused:
    """Which peers are left alone after they had too many prefixes from us."""

    name = "refused"

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    def remember(self) -> list[_Refusal]:
        return [
            _Refusal(str(local), str(peer), port, refusal.count, refusal.until)
            for (local, peer, port), refusal in self._refusals.known.items()
        ]

    def recall(self, said: msgspec.Raw) -> None:
        refused = msgspec.json.decode(said, type=list[_Refusal])
        self._refusals.recall(
            {(ip_address(r.local), ip_address(r.peer), r.port): Refusal(r.count, r.until) for r in refused}
        )


def _plain(claim: Claim) -> _Claim:
    (namespace, name), vip = claim
    return namespace, name, str(vip)


def _claim(said: _Claim) -> Claim:
    namespace, name, vip = said
    return ObjectKey(namespace, name), ip_address(vip)


def _wanted(said: _Overdue) -> Wanted:
    return Wanted(
        since=said.since,
        family=Family.of(ip_address(said.claim[2])),
        service_changed=said.service_changed,
        endpoints_changed=said.endpoints_changed,
        health_check=HealthCheck(ip_address(said.health_check[0]), said.health_check[1]) if said.health_check else None,
    )
