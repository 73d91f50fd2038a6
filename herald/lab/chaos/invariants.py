"""What must hold of routes, VIPs and sessions, given what happened. Pure."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from herald.lab.chaos.faults import Place
from herald.lab.chaos.history import History, Stand, Step
from herald.lab.chaos.observation import Invariant, NextHops, Paths, Sessions, Violation, Vips


def routes(seen: NextHops, nodes: tuple[str, ...], vips: Vips, history: History, now: float) -> Iterator[Violation]:
    """Every node that can answer for a VIP is its next hop at every ToR, and no other, once the bounds are over.

    So no VIP is missing while a healthy node exists. `vips`: of the Services that are there all the time.
    """
    lasting = {address for addresses in vips.values() for address in addresses}
    for tor, table in seen.items():
        for service, addresses in vips.items():
            hops = {address: table.get(address, frozenset()) for address in addresses}
            for node in nodes:
                place = Place(tor=tor, node=node, service=service)
                stand = history.stand(place, now)
                if stand is Stand.FORBIDDEN and any(node in nodes for nodes in hops.values()):
                    yield Violation(invariant=Invariant.CAN_ANSWER, what=f"{place} has the route")
                if stand is Stand.REQUIRED and not all(node in nodes for nodes in hops.values()):
                    yield Violation(invariant=Invariant.PRESENT, what=f"{place} has no route")
        for address in table.keys() - lasting:
            for node in sorted(node for node in table[address] if not history.may_linger(tor, node, now)):
                what = f"{tor} routes {address}, which no Service has, to {node}"
                yield Violation(invariant=Invariant.CAN_ANSWER, what=what)


def assignment(first: Vips, now: Vips) -> Iterator[Violation]:
    """`first`: as it was at the beginning."""
    for address, count in Counter(address for addresses in now.values() for address in addresses).items():
        if count > 1:
            holders = sorted(service for service, addresses in now.items() if address in addresses)
            yield Violation(invariant=Invariant.UNIQUE, what=f"{address} is held by {' and '.join(holders)}")
    for service, addresses in first.items():
        if now.get(service) != addresses:
            yield Violation(invariant=Invariant.UNIQUE, what=f"{service} had {addresses}, now {now.get(service)}")


def drains(paths: Paths, nodes: tuple[str, ...], vips: Vips, tors: tuple[str, ...], history: History) -> Iterator[Violation]:
    """A node that is drained announces all as the least preferred, and drainSeconds later nothing."""
    for tor, node, service in product(tors, nodes, vips):
        place = Place(tor=tor, node=node, service=service)
        step = history.drain_step(place, paths.asked)
        if step is None or step is not history.drain_step(place, paths.answered):
            continue
        seen = [paths.least_preferred.get((tor, node, address)) for address in vips[service]]
        if any(least is not (True if step is Step.LEAST_PREFERRED else None) for least in seen):
            yield Violation(invariant=Invariant.DRAINED, what=f"{place} should be {step.value}")


def sessions(before: Sessions, now: Sessions, history: History) -> Iterator[Violation]:
    """A session that was up is the same one still, unless something happened to it."""
    for (tor, node), since in before.since.items():
        then = now.since.get((tor, node))
        if (then is None or then.earliest > since.latest) and not history.may_reset(tor, node, before.asked, now.answered):
            yield Violation(invariant=Invariant.SESSIONS, what=f"{tor} {node} was reset")
