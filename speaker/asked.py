"""What the advertisements ask for, for one VIP: the prefixes that each peer shall hear for it, and what about them. Pure.

Knows nothing of endpoints, so the answer for a VIP is the same whether it is healthy or not.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from bgp_config.config import Advertisement, Peer, Pool
from bgp_config.names import Family, IPAddress, PeerName, Prefix
from bgp_config.selector import selected
from herald.kube.objects import Service
from speaker.attributes import Intent
from speaker.reasons import Reason

Asked: TypeAlias = Mapping[PeerName, Mapping[Prefix, Intent]]
"""Peers and prefixes without an Intent are left out."""


def asked(
    vip: IPAddress,
    service: Service,
    advertisements: Iterable[Advertisement],
    peers: Collection[Peer],
    pools: Collection[Pool],
) -> Asked | Reason:
    """The union of all advertisements that select one of the VIP's pools, Service and peer, per prefix. A reason if there
    is none.
    """
    chosen = [a for a in advertisements if _advertises(a, pools, service)]
    if not chosen:
        return Reason.NO_ADVERTISEMENT
    found: dict[PeerName, Mapping[Prefix, Intent]] = {}
    for peer in peers:
        to_peer = [a for a in chosen if a.peers is None or peer.name in a.peers]
        if to_peer and Family.of(vip) in (peer.families or ()):
            found[peer.name] = _by_prefix(vip, to_peer)
    return found or Reason.NO_PEER


def _by_prefix(vip: IPAddress, advertisements: Iterable[Advertisement]) -> Mapping[Prefix, Intent]:
    groups: dict[Prefix, list[Advertisement]] = {}
    for each in advertisements:
        groups.setdefault(each.prefix_of(vip), []).append(each)
    return {prefix: Intent.union(group) for prefix, group in groups.items()}


def _advertises(advertisement: Advertisement, pools: Iterable[Pool], service: Service) -> bool:
    in_pool = any(advertisement.pools is None or pool.name in advertisement.pools for pool in pools)
    return in_pool and selected(advertisement.service_selectors, service.metadata.labels)
