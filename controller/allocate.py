"""Decides, for one Service, which VIPs it shall have, or why it has none. Pure.

What it holds stays (DESIGN.md, rule 6) until its owner asks for something else: other addresses, another pool, other
families. Even then it is kept until what is asked for can be given. The answer depends on the Service, the ledger and
nothing else; so it can be taken again at any time, and taking it changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from bgp_config.names import Family, IPAddress, PoolName
from controller.ipam import PoolSpace
from controller.ledger import Ledger
from controller.reasons import PendingReason
from controller.request import BadRequest, Request, read_request
from herald.kube.objects import IPFamilyPolicy, ObjectKey, Service


class Vacancy(NamedTuple):
    """Any free address of this family in this pool."""

    pool: PoolName
    family: Family


Awaited: TypeAlias = IPAddress | Vacancy


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """What the Service asks for and does not get. It is looked at again when one of `awaits` becomes free."""

    reason: PendingReason
    problem: str
    awaits: frozenset[Awaited] = frozenset()

    @property
    def message(self) -> str:
        """What is wrong, and what would change it."""
        return f"{self.problem}: {self.reason.remedy}"


@dataclass(frozen=True, slots=True)
class Assigned:
    """It shall have exactly these VIPs. `unmet` is what it asks for beyond them."""

    vips: tuple[IPAddress, ...]
    unmet: Unmet | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """It has no VIP."""

    unmet: Unmet


@dataclass(frozen=True, slots=True)
class Disputed:
    """Its status shows what is not its own: an address of an older Service, or what another controller has written.

    The status is left as it is: both owners must see it.
    """

    unmet: Unmet


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Not of type LoadBalancer, or of another class: it shall have nothing from Herald."""


Outcome: TypeAlias = Assigned | Pending | Disputed | NotOurs


def decide(
    service: Service, decided: tuple[IPAddress, ...], ledger: Ledger, load_balancer_class: str, owner: str = ""
) -> Outcome:
    """`decided` is what was decided last, written or not; after a restart it is empty, and the status tells.

    `owner` is the other controller that has assigned the ingress, if there is one.

    Herald serves Services of `load_balancer_class` and those that name no class.
    """
    if not service.is_load_balancer or service.spec.load_balancer_class not in {None, load_balancer_class}:
        return NotOurs()
    if owner:
        problem = f"{owner} has written status.loadBalancer"
        return Disputed(Unmet(reason=PendingReason.OWNED_BY_ANOTHER, problem=problem))
    lost = [vip for vip in service.vips if ledger.holder(vip) != service.key]
    if lost:
        return Disputed(_duplicate(lost, ledger))
    held = tuple(vip for vip in decided if ledger.holder(vip) == service.key) or service.vips
    if service.metadata.deletion_timestamp is not None:
        unmet = Unmet(reason=PendingReason.TERMINATING, problem="the Service is being deleted")
        return Assigned(held) if held else Pending(unmet)
    request = read_request(service)
    if isinstance(request, BadRequest):
        return _keep(held, Unmet(reason=PendingReason.BAD_REQUESTED_IP, problem=request.problem))
    return _Search(key=service.key, held=held, request=request, ledger=ledger).outcome()


def _duplicate(lost: list[IPAddress], ledger: Ledger) -> Unmet:
    problem = " and ".join(f"{vip} is held by the older Service {ledger.holder(vip)}" for vip in lost)
    return Unmet(reason=PendingReason.DUPLICATE_ADDRESS, problem=problem)


def _keep(held: tuple[IPAddress, ...], unmet: Unmet) -> Outcome:
    return Assigned(held, unmet) if held else Pending(unmet)


def _first(missing: list[Unmet]) -> Unmet | None:
    """The first is named, but whatever would help either family is awaited."""
    if not missing:
        return None
    return replace(missing[0], awaits=frozenset().union(*(each.awaits for each in missing)))


@dataclass(frozen=True, slots=True)
class _Found:
    """What one family gets: its addresses, or those that it has as long as `unmet` holds."""

    vips: tuple[IPAddress, ...]
    unmet: Unmet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """The addresses for one Service that is ours."""

    key: ObjectKey
    held: tuple[IPAddress, ...]
    request: Request
    ledger: Ledger

    def outcome(self) -> Outcome:
        found = [self._find(family) for family in self._families()]
        unmet = _first([each.unmet for each in found if each.unmet])
        vips = tuple(vip for each in found for vip in each.vips)
        prefers = self.request.policy is IPFamilyPolicy.PREFER_DUAL_STACK
        if unmet is None or (prefers and vips):
            # One family is what PreferDualStack is content with where no pool has the other.
            absent = unmet is not None and unmet.reason in {PendingReason.FAMILY_NOT_AVAILABLE, PendingReason.NO_POOL}
            return Assigned(vips, None if absent else unmet)
        return _keep(self.held, unmet)

    def _families(self) -> tuple[Family, ...]:
        """All that it may get. One alone, where the Service leaves the choice: asked for, else held, else in a pool."""
        if self.request.families:
            return self.request.families
        own = (*self.request.addresses, *(Family.of(vip) for vip in self.held))
        in_pools = (family for family in Family if any(space.has(family) for space in self._spaces()))
        return (next(iter((*own, *in_pools)), Family.IPV4),)

    def _find(self, family: Family) -> _Found:
        own = tuple(vip for vip in self.held if Family.of(vip) is family)
        wanted = self.request.addresses.get(family)
        if wanted is not None:
            unmet = None if wanted in own else self._refusal(wanted)
            return _Found(own, unmet) if unmet else _Found((wanted,))
        if own and self.request.pool is None:
            return _Found(own)
        if self.request.pool is not None and self.request.pool not in self.ledger.pools:
            return _Found(own, self._unknown_pool())
        if own and not any(self._is_of_another_pool(vip) for vip in own):
            return _Found(own)
        for space in self._spaces():
            if free := space.lowest_free(family):
                return _Found((free,))
        return _Found(own, self._nothing_free(family))

    def _spaces(self) -> Iterator[PoolSpace]:
        """The requested pool, or all that give addresses unasked; in the order of names."""
        for name, space in self.ledger.pools.items():
            if name == self.request.pool or (self.request.pool is None and space.pool.auto_assign):
                yield space

    def _is_of_another_pool(self, vip: IPAddress) -> bool:
        """Then the owner asks for a change of pool. A VIP of no pool has lost its own: that moves nothing."""
        space = self.ledger.space_of(vip)
        return space is not None and space.pool.name != self.request.pool

    def _refusal(self, wanted: IPAddress) -> Unmet | None:
        """Why the requested address cannot be given, if so. A pool that is not autoAssign gives what is asked for."""
        if self.request.pool is not None and self.request.pool not in self.ledger.pools:
            return self._unknown_pool()
        space = self.ledger.space_of(wanted)
        if space is None or self.request.pool not in {None, space.pool.name}:
            where = f"AddressPool {self.request.pool}" if self.request.pool else "any AddressPool"
            return Unmet(reason=PendingReason.REQUESTED_IP_NOT_IN_POOL, problem=f"{wanted} is not in {where}")
        if not space.may_assign(wanted):
            return Unmet(
                reason=PendingReason.REQUESTED_IP_FORBIDDEN, problem=f"{wanted} is the address of a Node or a BGP peer"
            )
        holder = self.ledger.holder(wanted)
        if holder not in {None, self.key}:
            return Unmet(
                reason=PendingReason.REQUESTED_IP_TAKEN,
                problem=f"{wanted} is held by the Service {holder}",
                awaits=frozenset({wanted}),
            )
        return None

    def _unknown_pool(self) -> Unmet:
        return Unmet(
            reason=PendingReason.REQUESTED_POOL_UNKNOWN, problem=f"there is no accepted AddressPool {self.request.pool}"
        )

    def _nothing_free(self, family: Family) -> Unmet:
        spaces = list(self._spaces())
        name = f"IPv{family.value}"
        if not spaces:
            return Unmet(reason=PendingReason.NO_POOL, problem="there is no accepted AddressPool with autoAssign")
        having = frozenset(space.pool.name for space in spaces if space.has(family))
        where = f"AddressPool {self.request.pool}" if self.request.pool else "any AddressPool with autoAssign"
        if not having:
            return Unmet(reason=PendingReason.FAMILY_NOT_AVAILABLE, problem=f"there is no {name} address in {where}")
        return Unmet(
            reason=PendingReason.POOLS_EXHAUSTED,
            problem=f"no {name} address is free in {', '.join(sorted(having))}",
            awaits=frozenset(Vacancy(pool, family) for pool in having),
        )
