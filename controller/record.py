"""What is known about one Service, and the write that its status needs next, if any. Pure."""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import msgspec

from bgp_config.names import IPAddress
from controller.allocate import Assigned, Disputed, NotOurs, Outcome, Pending, Unmet
from controller.ledger import Seniority
from controller.word import Word, is_signed, said_of, unsigned
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
    the status. `said` is the word about pending that was acknowledged last; `touched`, whether a controller may have
    written anything. `owner` is another controller, which has assigned the ingress. At most one write is on its way at any
    time.
    """

    service: Service
    exists: bool = True
    decided: tuple[IPAddress, ...] = ()
    unsure: frozenset[IPAddress] = frozenset()
    outcome: Outcome | None = None
    said: Word | None = None
    owner: str = ""
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

    def see(self, service: Service) -> bool:
        """The object is so. False: it is older than what was written to it, and passed over."""
        known = self.service.metadata
        is_same = service.metadata.uid == known.uid
        if is_same and self.exists and _number(service.metadata.resource_version) < _number(known.resource_version):
            return False
        if not is_same or not service.status.load_balancer.ingress:
            self.owner = ""
        self.service, self.exists = service, True
        self.said = said_of(service) if service.status.conditions else self.said
        return True

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
                self.touched |= is_signed(self.service)  # in an earlier life
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
        word = self.unmet and Word(self.unmet.reason, self.unmet.message)
        return SayPending(self.service, self.unmet) if self.unmet and word != self.said else None

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

    def acknowledge(self, write: Write, version: str) -> None:
        """The write is durable, as this version of the object."""
        self.writing = False
        if not isinstance(write, Forget) and self._is_overtaken(write, version):
            self.unsure = frozenset()
            return
        match write:
            case SetIngress(service, vips):
                if self.exists and service.metadata.uid == self.service.metadata.uid:
                    self.service = _written(_showing(self.service, vips), version)
                    self.unsure, self.said = frozenset(), None
            case SayPending(service, unmet):
                self.said = Word(unmet.reason, unmet.message)
                if self.exists and service.metadata.uid == self.service.metadata.uid:
                    self.service = _written(self.service, version)
            case Forget():
                self.said, self.touched = None, False
                self.service = unsigned(self.service)
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

    def yield_to(self, owner: str) -> None:
        """The write did not happen, nor will an earlier one: another controller has assigned the ingress."""
        self.writing, self.owner = False, owner
        self.decided, self.unsure = (), frozenset()

    def _is_overtaken(self, write: Write, version: str) -> bool:
        """Whether the object was seen as it became after the write."""
        known, written = self.service.metadata, write.service.metadata
        return self.exists and known.uid == written.uid and _number(version) < _number(known.resource_version)


def _showing(service: Service, vips: tuple[IPAddress, ...]) -> Service:
    ingress = [Ingress(ip=str(vip)) for vip in vips]
    return msgspec.structs.replace(service, status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)))


def _written(service: Service, version: str) -> Service:
    metadata = msgspec.structs.replace(service.metadata, resource_version=version)
    return msgspec.structs.replace(service, metadata=metadata)


def _number(resource_version: str) -> int:
    """Versions of one kind are ordered as numbers (KEP-5504). Where there are none, nothing is older."""
    return int(resource_version) if resource_version.isdecimal() else 0
