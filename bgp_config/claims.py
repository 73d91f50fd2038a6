"""What an object claims for itself alone: a pool its addresses, a peer its session. Who comes first, keeps."""

from bisect import bisect_right, insort

from bgp_config.config import AddressRange, Advertisement, BFDProfile, Drain, HealthCheck, NodeValue, Peer, Pool
from bgp_config.kind import ConfigKind
from bgp_config.meaning import NamedCommunity
from bgp_config.names import Family, IPAddress
from bgp_config.problem import Problem, path_of
from bgp_config.selector import LabelSelector

Form = Pool | Peer | Advertisement | NamedCommunity | BFDProfile | HealthCheck | Drain
"""An object's meaning with its references looked up, as it can be in force."""

_Session = tuple[IPAddress | NodeValue, int, IPAddress | None, tuple[LabelSelector, ...] | None]


class Claims:
    """All claims made so far. Each costs a search in a sorted list, not a look at every other."""

    def __init__(self) -> None:
        self._ranges: dict[Family, list[tuple[int, int, str]]] = {family: [] for family in Family}
        self._sessions: dict[_Session, str] = {}

    def conflicts(self, form: Form) -> tuple[Problem, ...]:
        """Empty if the form may be taken."""
        match form:
            case Pool():
                found = [self._overlap(path_of("spec", "blocks", i), block) for i, block in enumerate(form.ranges)]
                return tuple(problem for problem in found if problem)
            case Peer():
                return self._same_session(form)
            case Advertisement() | NamedCommunity() | BFDProfile() | HealthCheck() | Drain():
                return ()

    def take(self, form: Form) -> None:
        """Only a form without conflicts."""
        match form:
            case Pool():
                for block in form.ranges:
                    insort(self._ranges[block.family], (int(block.first), int(block.last), form.name))
            case Peer():
                self._sessions[_session(form)] = form.name
            case Advertisement() | NamedCommunity() | BFDProfile() | HealthCheck() | Drain():
                pass

    def _overlap(self, path: str, block: AddressRange) -> Problem | None:
        """Taken ranges do not overlap, so only the last one that starts before the block's end can touch it."""
        taken = self._ranges[block.family]
        at = bisect_right(taken, int(block.last), key=lambda claim: claim[0]) - 1
        if at < 0 or taken[at][1] < int(block.first):
            return None
        owner = taken[at][2]
        return Problem(
            path,
            f"{block} overlaps {ConfigKind.ADDRESS_POOL} {owner}, which comes first",
            f"Take these addresses out of one of the two; this pool is used as soon as {owner} has given them up.",
        )

    def _same_session(self, peer: Peer) -> tuple[Problem, ...]:
        owner = self._sessions.get(_session(peer))
        if owner is None:
            return ()
        return (
            Problem(
                "spec.peerAddress",
                f"{ConfigKind.BGP_PEER} {owner}, which comes first, is the same session:"
                " the same peerAddress, peerPort, sourceAddress and nodeSelectors",
                "Delete one of the two, or select other nodes.",
            ),
        )


def _session(peer: Peer) -> _Session:
    return peer.address, peer.port, peer.source_address, peer.node_selectors
