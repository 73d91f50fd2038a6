"""The sessions that this node keeps, by what the cluster and the kernel say, and what each is told of a prefix. Pure."""

from collections.abc import Collection, Mapping

from bgp_config.config import Peer
from bgp_config.names import Family, IPAddress, PeerName, Prefix
from herald.kube.objects import ObjectKey
from speaker.attributes import Intent, path_attributes
from speaker.cluster import Cluster
from speaker.guard import forbidden_addresses
from speaker.peering import NodeNetwork, Peering, neighbor_addresses, node_addresses, peering, peers_here, secret_key
from speaker.route import PathAttributes, RouteState
from speaker.session import Endpoints, SessionSpec


class Neighborhood:
    """One owner: the core, which has it renewed whenever configuration, the node or the network may have changed."""

    def __init__(self, cluster: Cluster) -> None:
        self.peering = Peering()
        self._cluster = cluster
        self._network = NodeNetwork()
        self._awaited_secrets: frozenset[ObjectKey] = frozenset()
        self._sessions_of: dict[PeerName, set[SessionSpec]] = {}

    def peers(self) -> list[Peer]:
        """The peers that select this node."""
        return peers_here(self._cluster.config, self._cluster.node)

    def unsourced(self) -> frozenset[IPAddress]:
        """The addresses of the peers for which the kernel chooses the source."""
        return neighbor_addresses((p for p in self.peers() if p.source_address is None), self._cluster.node)

    def learn(self, network: NodeNetwork) -> bool:
        """What the kernel says now; whether that is new."""
        is_new, self._network = network != self._network, network
        return is_new

    def await_secrets(self, keys: frozenset[ObjectKey]) -> bool:
        """These may be heard of any moment: until then no session ends for want of one. Whether that is new."""
        is_new, self._awaited_secrets = keys != self._awaited_secrets, keys
        return is_new

    def renew(self, running: Collection[SessionSpec]) -> set[SessionSpec]:
        """Returns the sessions that are to be kept up to date: those of now, and running ones that wait to be replaced."""
        cluster, peers = self._cluster, self.peers()
        stay = {p.name: self.peering.sessions[p.name] for p in peers if p.name in self.peering.sessions and self._awaits(p)}
        self.peering = peering(peers, cluster.node_name, cluster.node, cluster.secrets, self._network, stay)
        by_endpoints: dict[Endpoints, set[SessionSpec]] = {s.endpoints: {s} for s in self.peering.sessions.values()}
        for spec in running:
            by_endpoints.get(spec.endpoints, set()).add(spec)
        self._sessions_of = {peer: by_endpoints[spec.endpoints] for peer, spec in self.peering.sessions.items()}
        return set().union(*self._sessions_of.values())

    def addresses(self) -> frozenset[IPAddress]:
        """Of the node, of this host and of its peers: never a VIP."""
        ends = (e for spec in self.peering.sessions.values() for e in (spec.local_address, spec.peer_address))
        peers = neighbor_addresses(self._cluster.config.peers.values(), self._cluster.node)
        return forbidden_addresses(ends, peers, node_addresses(self._cluster.node), self._network.addresses)

    def routes(
        self, prefix: Prefix, told: Mapping[PeerName, tuple[RouteState, Intent]]
    ) -> dict[SessionSpec, PathAttributes]:
        """What each session says of the prefix, where each peer shall be told this."""
        family = Family.of(prefix)
        routes = {
            spec: path_attributes(
                intent, state, spec, self.peering.next_hops[peer][family], self.peering.peers[peer].deprefer
            )
            for peer, (state, intent) in told.items()
            for spec in self._sessions_of[peer]
            if family in spec.families
        }
        return {spec: attributes for spec, attributes in routes.items() if attributes}

    def _awaits(self, peer: Peer) -> bool:
        return peer.password_secret is not None and secret_key(peer.password_secret) in self._awaited_secrets
