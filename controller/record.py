"""What is known about one Service, and the write that its status needs next, if any. Pure."""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import msgspec

from bgp_config.names import IPAddress
from controller.allocate import Assigned, Disputed, NotOurs, Outcome, Pending, Unmet
from controller.ledger import Seniority
from herald.kube.objects import Ingress, LoadBalancerStatus, ObjectKey, Service, ServiceStatus


@dataclass(frozen=True, slots=True)
class SetIngress:
    """The status shall show exactly these VIPs, and no word about pending."""

    service: Service
    vips: tuple[IPAddress, ...]


@dataclass(frozen=True, slots=True)
class SayPending:
    """The status shall say what the Service does not get, beside the VIPs that it shows."""

    service: Service
    unmet: Unmet


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing that Herald has written about the Service shall remain."""

    service: Service


Write: TypeAlias = SetIngress | SayPending | Forget


@dataclass(slots=True)
class Record:
    """One Service. Changed by its one owner, the plan, only.

    `service` is the object as last seen, with the status as last acknowledged; `exists` is False once it is gone.
    `decided` are the VIPs that it shall have. `unsure` are those that a write without an acknowledgement may have left in
    the status. `said` is the word about pending that was acknowledged last; `touched`, whether this controller may have
    written anything. At most one write is on its way at any time.
    """

    service: Service
    exists: bool = True
    decided: tuple[IPAddress, ...] = ()
    unsure: frozenset[IPAddress] = frozenset()
    outcome: Outcome | None = None
    said: Unmet | None = None
    touched: bool = False
    writing: bool = False

    @property
    def key(self) -> ObjectKey:
        return self.service.key

    @property
    def seniority(self) -> Seniority:
        return Seniority.of(self.service)

    @property
    def claims(self) -> frozenset[IPAddress]:
        """Every address that nobody else may be given as long as this stands."""
        return self.unsure | frozenset((*self.decided, *self.service.vips))

    @property
    def is_forgotten(self) -> bool:
        """Gone, and nothing is left of it."""
        return not (self.exists or self.claims or self.touched or self.writing)

    @property
    def unmet(self) -> Unmet | None:
        match self.outcome:
            case Assigned(unmet=unmet) | Pending(unmet) | Disputed(unmet):
                return unmet
            case NotOurs() | None:
                return None
            case _:
                assert_never(self.outcome)

    def decide(self, outcome: Outcome) -> None:
        """Make this outcome the one to be reached."""
        self.outcome = outcome
        match outcome:
            case Assigned(vips):
                self.decided = vips
            case Pending():
                self.decided = ()
            case NotOurs():
                # What Herald gave it is taken back; what another controller wrote is not touched.
                self.unsure |= frozenset(self.decided) & frozenset(self.service.vips)
                self.decided = ()
            case Disputed():
                pass
            case _:
                assert_never(outcome)

    def vanish(self) -> None:
        """The object is gone. Its addresses stay claimed until what Herald wrote about it is gone too."""
        self.unsure |= frozenset(self.service.vips)
        self.exists, self.decided, self.outcome = False, (), None

    def next_write(self) -> Write | None:
        """The difference between what is decided and what is acknowledged."""
        if self.writing or (self.exists and self.outcome is None):
            return None
        if not self.exists:
            return Forget(self.service)
        match self.outcome:
            case Assigned(vips, unmet):
                shown = frozenset(self.service.vips)
                if shown != frozenset(vips) or not self.unsure <= shown or (self.said and not unmet):
                    return SetIngress(self.service, vips)
            case Pending() if self.unsure:
                return SetIngress(self.service, ())
            case NotOurs():
                return self._next_clearing()
        return SayPending(self.service, self.unmet) if self.unmet and self.unmet != self.said else None

    def _next_clearing(self) -> Write | None:
        # A Service that is no load balancer has an ingress only by our hand, perhaps in an earlier life.
        if self.unsure or (self.service.vips and not self.service.is_load_balancer):
            return SetIngress(self.service, ())
        return Forget(self.service) if self.touched else None

    def begin(self, write: Write) -> None:
        """The write is on its way: from now on it may have happened."""
        self.writing = True
        self.touched |= not isinstance(write, Forget)
        if isinstance(write, SetIngress):
            self.unsure |= frozenset(write.vips)

    def acknowledge(self, write: Write) -> None:
        """The write is durable."""
        self.writing = False
        match write:
            case SetIngress(service, vips):
                if self.exists and service.metadata.uid == self.service.metadata.uid:
                    self.service = _showing(self.service, vips)
                    self.unsure, self.said = frozenset(), None
            case SayPending(_, unmet):
                self.said = unmet
            case Forget():
                self.said, self.touched = None, False
                if not self.exists:
                    self.service, self.unsure = _showing(self.service, ()), frozenset()
                elif not isinstance(self.outcome, NotOurs):
                    # It was created again meanwhile: what its status showed may be gone with what was forgotten.
                    self.unsure |= frozenset(self.service.vips)
                    self.service = _showing(self.service, ())
            case _:
                assert_never(write)

    def fail(self) -> None:
        """It is not known whether the write happened."""
        self.writing = False


def _showing(service: Service, vips: tuple[IPAddress, ...]) -> Service:
    ingress = [Ingress(ip=str(vip)) for vip in vips]
    return msgspec.structs.replace(service, status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)))
