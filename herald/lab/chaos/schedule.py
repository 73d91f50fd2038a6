"""Which faults happen when: a function of the seed, the time and the cast, and of nothing else. Pure.

Kinds are dealt like cards, so that each comes before any comes again. Faults overlap where they may; two that claim the
same thing (a cable, a node's programs, the folder of manifests) come one after the other. A longer schedule of the same
seed begins like a shorter one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from random import Random

from herald.lab.chaos.faults import EFFECTS, Fault, FaultKind, Place

CALM_S = 5.0
"""Before the first fault."""
GAP_S = (1.0, 8.0)
REST_S = 1.0
"""Between two faults of one thing."""
LASTS_S: Mapping[FaultKind, tuple[float, float]] = {
    FaultKind.ENDPOINT_FLAP: (2, 8),
    FaultKind.LINK_CUT: (1, 8),
    FaultKind.SILENCE: (2, 15),
    FaultKind.SPEAKER_KILL: (0.5, 5),
    FaultKind.SPEAKER_STOP: (3, 15),
    FaultKind.EXABGP_KILL: (0.5, 0.5),
    FaultKind.EXABGP_STOP: (2, 12),
    FaultKind.CONTROLLER_KILL: (1, 8),
    FaultKind.CONTROLLER_STOP: (1, 8),
    FaultKind.TOR_RESTART: (0, 4),
    FaultKind.SOURCE_OUTAGE: (2, 8),
    FaultKind.CLOCK_STEP: (2, 5),
    FaultKind.CONFIG_EDIT: (3, 6),
    FaultKind.SERVICE: (3, 6),
    FaultKind.BFD_KILL: (1, 5),
    FaultKind.BFD_STOP: (2, 8),
    FaultKind.DRAIN: (12, 15),
}
PASSING = "passing"
"""The Service that comes and goes."""

_OF_A_PORT = frozenset({FaultKind.LINK_CUT, FaultKind.SILENCE, FaultKind.CONFIG_EDIT})
_OF_PROGRAMS = frozenset({FaultKind.SPEAKER_KILL, FaultKind.SPEAKER_STOP, FaultKind.EXABGP_KILL, FaultKind.EXABGP_STOP})
_OF_BFD = frozenset({FaultKind.BFD_KILL, FaultKind.BFD_STOP})
_OF_THE_CONTROLLER = frozenset({FaultKind.CONTROLLER_KILL, FaultKind.CONTROLLER_STOP})
_OF_MANIFESTS = frozenset(
    {FaultKind.ENDPOINT_FLAP, FaultKind.SOURCE_OUTAGE, FaultKind.CONFIG_EDIT, FaultKind.SERVICE, FaultKind.DRAIN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who may be struck. The programs of `steady` nodes are never killed or stopped, so that growth shows in them."""

    nodes: tuple[str, ...]
    tors: tuple[str, ...]
    services: tuple[str, ...]
    steady: frozenset[str] = frozenset()
    kinds: tuple[FaultKind, ...] = tuple(FaultKind)


def schedule(seed: int, minutes: float, cast: Cast) -> tuple[Fault, ...]:
    """The faults that are over by then, in the order of their beginning."""
    end = minutes * 60
    return tuple(fault for fault in takewhile(lambda fault: fault.at < end, _faults(seed, cast)) if _over(fault) <= end)


def _over(fault: Fault) -> float:
    """When all is as it was again, at the latest."""
    return fault.at + fault.for_s + EFFECTS[fault.kind].back_s


def _faults(seed: int, cast: Cast) -> Iterator[Fault]:
    random = Random(seed)  # noqa: S311 -- to be repeated, not to be secret
    free_at: dict[str, float] = {}
    at = CALM_S
    for kind in _deal(random, cast):
        place, for_s = _place(random, kind, cast), round(random.uniform(*LASTS_S[kind]), 1)
        claimed = _claims(kind, place, cast)
        at = round(max((at, *(free_at.get(claim, 0.0) for claim in claimed))), 1)
        fault = Fault(at=at, for_s=for_s, kind=kind, place=place)
        free_at |= dict.fromkeys(claimed, _over(fault) + REST_S)
        yield fault
        at += random.uniform(*GAP_S)


def _deal(random: Random, cast: Cast) -> Iterator[FaultKind]:
    while True:
        deck = list(cast.kinds)
        random.shuffle(deck)
        yield from deck


def _place(random: Random, kind: FaultKind, cast: Cast) -> Place:  # noqa: PLR0911 -- one for each sort of kind
    node, tor, service = (random.choice(names) for names in (cast.nodes, cast.tors, cast.services))
    shaken = random.choice([node for node in cast.nodes if node not in cast.steady])
    match kind:
        case FaultKind.ENDPOINT_FLAP:
            return Place(node=node, service=service)
        case FaultKind.LINK_CUT | FaultKind.SILENCE:
            return Place(node=node, tor=random.choice((tor, None)))
        case FaultKind.CONFIG_EDIT:
            return Place(node=node, tor=tor)
        case FaultKind.SPEAKER_KILL | FaultKind.SPEAKER_STOP | FaultKind.BFD_KILL | FaultKind.BFD_STOP:
            return Place(node=shaken)
        case FaultKind.DRAIN:
            return Place(node=node)
        case FaultKind.EXABGP_KILL | FaultKind.EXABGP_STOP:
            return Place(node=shaken, tor=tor)
        case FaultKind.TOR_RESTART:
            return Place(tor=tor)
        case FaultKind.SERVICE:
            return Place(service=PASSING)
        case _:
            return Place()


def _claims(kind: FaultKind, place: Place, cast: Cast) -> frozenset[str]:
    """What no other fault may have meanwhile. The names matter only among themselves."""
    if kind is FaultKind.DRAIN:
        return _everything_but(f"programs {place.node}", cast)
    claims: set[str] = {kind} if kind is FaultKind.CLOCK_STEP else set()
    if kind in _OF_A_PORT:
        claims |= {f"cable {place.node} {tor}" for tor in cast.tors if place.tor in {tor, None}}
    if kind in _OF_PROGRAMS:
        claims |= {f"programs {place.node}"}
    if kind in _OF_BFD:
        claims |= {f"bfd {place.node}"}
    if kind in _OF_THE_CONTROLLER:
        claims |= {"controller"}
    if kind in _OF_MANIFESTS:
        claims |= {"manifests"}
    if kind is FaultKind.TOR_RESTART:
        claims |= {f"router {place.tor}"}
    if kind is FaultKind.CONFIG_EDIT:
        # A session is replaced when the node's others have their routes: so all is well with that node meanwhile.
        claims |= {f"programs {place.node}", f"bfd {place.node}", *(f"router {tor}" for tor in cast.tors)}
        claims |= {f"cable {place.node} {tor}" for tor in cast.tors}
    return frozenset(claims)


def _everything_but(spared: str, cast: Cast) -> frozenset[str]:
    """A node is drained while the others serve; only the programs of its own may die."""
    of_nodes = {f"{what} {node}" for what in ("programs", "bfd") for node in cast.nodes}
    cables = {f"cable {node} {tor}" for node in cast.nodes for tor in cast.tors}
    return frozenset({"controller", "manifests", *of_nodes, *cables, *(f"router {tor}" for tor in cast.tors)} - {spared})
