"""The speaker's core: changes of the cluster in, desired Adj-RIBs-Out and the reasons out. No I/O, no clock.

Invariant, held by a property test: whatever the order, number and grouping of changes, decisions and tables are those that
a core would have that was only ever told the final state, and what the data-path gate let through.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bgp_config.config import Peer
from bgp_config.names import Family, IPAddress, NodeName, PeerName, Prefix
from herald.kube.objects import ObjectKey
from herald.kube.source import Change
from speaker.attributes import Conflict, path_attributes
from speaker.cluster import Cluster
from speaker.contributions import Contribution, Contributions
from speaker.decide import Claim, NodeView, ServiceDecision, VIPDecision, decide, wishes
from speaker.guard import Guard, forbidden_addresses
from speaker.limits import PrefixLimits
from speaker.peering import NodeNetwork, Peering, neighbor_addresses, node_addresses, peering, peers_here, secret_key
from speaker.reasons import Reason
from speaker.rib import AdjRibsOut
from speaker.route import PathAttributes, RouteState
from speaker.session import Endpoints, SessionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A VIP of a Service changed its state or its reason on this node. `vip` None: the Service has none.

    Without a reason, a withdrawn VIP is no longer the Service's.
    """

    service: ObjectKey
    vip: IPAddress | None
    state: RouteState
    reason: Reason | None

    def __str__(self) -> str:
        if self.state is not RouteState.WITHDRAWN:
            return "announcing"
        return "not announcing" if self.reason else "the Service no longer has this VIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one step brought: transitions for people, how many Services were decided, what the guard held back, and the VIPs
    that this node now has to answer for, or has no longer.
    """

    transitions: tuple[Transition, ...] = ()
    decided: int = 0
    leaks: tuple[Prefix, ...] = ()
    gained: frozenset[IPAddress] = frozenset()
    lost: frozenset[IPAddress] = frozenset()


class Core:
    """One owner: the daemon's loop. apply() any number of changes, then step() once.

    `admitted`: what the data-path gate has let through so far; None where there is no gate.
    """

    def __init__(
        self,
        node_name: NodeName,
        load_balancer_class: str,
        *,
        ignore_exclude_label: bool = False,
        admitted: Iterable[Claim] | None = None,
    ) -> None:
        self.cluster = Cluster(node_name)
        self.ribs = AdjRibsOut()
        self.peering = Peering()
        self.decisions: dict[ObjectKey, ServiceDecision] = {}
        self.aggregates: set[Prefix] = set()
        self._conflicts: dict[ObjectKey, frozenset[Conflict]] = {}
        self._class = load_balancer_class
        self._ignore_exclude_label = ignore_exclude_label
        self._awaited_secrets: frozenset[ObjectKey] = frozenset()
        self._admitted = None if admitted is None else set(admitted)
        self._held: set[Claim] = set()
        self._limits = PrefixLimits({})
        self._contributions = Contributions()
        self._network = NodeNetwork()
        self._sessions_of: dict[PeerName, set[SessionSpec]] = {}
        self._view = self._make_view()

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.cluster.apply(change)

    def peers(self) -> list[Peer]:
        """The peers that select this node."""
        return peers_here(self.cluster.config, self.cluster.node)

    def unsourced(self) -> frozenset[IPAddress]:
        """The addresses of the peers for which the kernel chooses the source."""
        return neighbor_addresses((p for p in self.peers() if p.source_address is None), self.cluster.node)

    def learn(self, network: NodeNetwork) -> bool:
        """What the kernel says now; whether that is new."""
        if is_new := network != self._network:
            self._network = network
            self.cluster.dirty.everything = True
        return is_new

    def await_secrets(self, keys: frozenset[ObjectKey]) -> None:
        """These may be heard of any moment: until then no session ends for want of one."""
        if keys != self._awaited_secrets:
            self._awaited_secrets = keys
            self.cluster.dirty.everything = True

    def admit(self, claims: Iterable[Claim]) -> None:
        """The data-path gate lets these through, until they are withdrawn."""
        if self._admitted is not None:
            for claim in claims:
                self._admitted.add(claim)
                self.cluster.dirty.services.add(claim[0])

    def hold(self, claims: Iterable[Claim]) -> None:
        """These came and went too often: they wait until they are let go, while other nodes serve."""
        self._held.update(claims)

    def let_go(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._held.discard(claim)
            self.cluster.dirty.services.add(claim[0])

    @property
    def node_refusal(self) -> Reason | None:
        """Why this node announces nothing at all, if so."""
        return self._view.refusal

    @property
    def admitted(self) -> frozenset[Claim]:
        return frozenset(self._admitted or ())

    def step(self, running: Collection[SessionSpec] = ()) -> Outcome:
        """Decides what is dirty. Nothing before everything required has been listed (rule 4).

        `running` are the sessions there are: one that waits to be replaced by a changed one is kept up to date till then.
        """
        if not self.cluster.synced:
            return Outcome()
        dirty, self.cluster.dirty = self.cluster.dirty, type(self.cluster.dirty)()
        if dirty.everything:
            self._renew_sessions(running)
            keys = {*self.cluster.services, *self.decisions}
        else:
            keys = dirty.services
        if self._limits:
            keys = keys.union(*(self._want(key) for key in keys))
        transitions: list[Transition] = []
        affected: set[IPAddress] = set()
        for key in keys:
            old, new = self.decisions.pop(key, None), self._decide(key)
            self._conflicts.pop(key, None)
            if new is not None:
                self.decisions[key] = new
                if conflicts := _disagreements(new):
                    self._conflicts[key] = conflicts
            affected.update(vip.vip for decision in (old, new) if decision for vip in decision.vips)
            self._dismiss(key, old, new)
            transitions.extend(_transitions(key, old, new))
        had = {vip for vip in affected if self.announces(vip)}
        prefixes = set().union(*(self._contributions.set(vip, self._contribute(vip)) for vip in affected))
        has = {vip for vip in affected if self.announces(vip)}
        leaks = [prefix for prefix in prefixes if not self._program(prefix)]
        return Outcome(
            transitions=tuple(transitions),
            decided=len(keys),
            leaks=tuple(leaks),
            gained=frozenset(has - had),
            lost=frozenset(had - has),
        )

    @property
    def conflicts(self) -> frozenset[Conflict]:
        """Where advertisements disagree about a Service that there is."""
        return frozenset().union(*self._conflicts.values())

    @property
    def beyond_limits(self) -> Mapping[PeerName, int]:
        """By peer, how many prefixes are withheld from it since it takes only so many."""
        return self._limits.beyond

    def announces(self, vip: IPAddress) -> bool:
        """Whether this node shall announce it to anybody, alone or within an aggregate."""
        return self._contributions.has(vip)

    def _dismiss(self, key: ObjectKey, old: ServiceDecision | None, new: ServiceDecision | None) -> None:
        """What is withdrawn is no longer admitted, what is announced or is no longer a VIP no longer held."""
        normal = {d.vip for d in new.vips if d.state is RouteState.NORMAL} if new else set()
        present = {d.vip for d in new.vips} if new else set()
        before = {d.vip for d in old.vips} if old else set()
        if self._held:
            self._held.difference_update((key, vip) for vip in normal | (before - present))
        if self._admitted is None:
            return
        for decision in (old, new):
            self._admitted.difference_update(
                (key, d.vip) for d in (decision.vips if decision else ()) if d.vip not in normal
            )

    def _renew_sessions(self, running: Collection[SessionSpec]) -> None:
        cluster, peers = self.cluster, self.peers()
        stay = {p.name: self.peering.sessions[p.name] for p in peers if p.name in self.peering.sessions and self._awaits(p)}
        self.peering = peering(peers, cluster.node_name, cluster.node, cluster.secrets, self._network, stay)
        by_endpoints: dict[Endpoints, set[SessionSpec]] = {s.endpoints: {s} for s in self.peering.sessions.values()}
        for spec in running:
            by_endpoints.get(spec.endpoints, set()).add(spec)
        self._sessions_of = {peer: by_endpoints[spec.endpoints] for peer, spec in self.peering.sessions.items()}
        self.ribs.keep_sessions(set().union(*self._sessions_of.values()))
        self._limits = PrefixLimits({p.name: p.max_prefixes for p in self.peering.peers.values() if p.max_prefixes})
        self._view = self._make_view()

    def _awaits(self, peer: Peer) -> bool:
        return peer.password_secret is not None and secret_key(peer.password_secret) in self._awaited_secrets

    def _make_view(self) -> NodeView:
        cluster = self.cluster
        ends = (e for spec in self.peering.sessions.values() for e in (spec.local_address, spec.peer_address))
        peer_addresses = neighbor_addresses(cluster.config.peers.values(), cluster.node)
        forbidden = forbidden_addresses(ends, peer_addresses, node_addresses(cluster.node), self._network.addresses)
        return NodeView(
            name=cluster.node_name,
            node=cluster.node,
            guard=Guard(cluster.config, forbidden, cluster.service_ranges),
            peers=self.peering.peers,
            load_balancer_class=self._class,
            ignore_exclude_label=self._ignore_exclude_label,
            admitted=self._admitted,
            held=self._held,
            places=self._limits or None,
        )

    def _want(self, key: ObjectKey) -> set[ObjectKey]:
        """Takes and gives up places with peers that have a limit. Returns the other Services that this may concern."""
        service = self.cluster.services.get(key)
        if service is None:
            return self._limits.want(key, "", {})
        created = service.metadata.creation_timestamp or ""
        return self._limits.want(key, created, wishes(service, self._view, self.cluster.holder))

    def _decide(self, key: ObjectKey) -> ServiceDecision | None:
        service = self.cluster.services.get(key)
        if service is None:
            return None
        return decide(service, self.cluster.slices_of(key).values(), self._view, self.cluster.holder)

    def _contribute(self, vip: IPAddress) -> tuple[Contribution, ...]:
        """What the VIP's holder wants said."""
        decision = self._holding(vip)
        if decision is None or decision.state is RouteState.WITHDRAWN:
            return ()
        return tuple(
            Contribution(prefix, peer, decision.state, intent)
            for peer, prefixes in decision.asked.items()
            for prefix, intent in prefixes.items()
        )

    def _program(self, prefix: Prefix) -> bool:
        """Sets the routes of the prefix; False if the guard held them back."""
        routes = self._routes(prefix)
        held_back = self._view.guard.leaks({prefix: True}) if routes else []
        self.ribs.replace(prefix, {} if held_back else routes)
        if prefix.prefixlen < prefix.max_prefixlen:
            (self.aggregates.add if routes and not held_back else self.aggregates.discard)(prefix)
        return not held_back

    def _routes(self, prefix: Prefix) -> dict[SessionSpec, PathAttributes]:
        family = Family.of(prefix)
        routes = {
            spec: path_attributes(intent, state, spec, self.peering.next_hops[peer][family])
            for peer, (state, intent) in self._contributions.of(prefix).items()
            for spec in self._sessions_of[peer]
            if family in spec.families
        }
        return {spec: attributes for spec, attributes in routes.items() if attributes}

    def _holding(self, vip: IPAddress) -> VIPDecision | None:
        holder = self.cluster.holder(vip)
        decision = self.decisions.get(holder) if holder else None
        return next((d for d in decision.vips if d.vip == vip), None) if decision else None


def _transitions(key: ObjectKey, old: ServiceDecision | None, new: ServiceDecision | None) -> Iterable[Transition]:
    before, after = _states(old), _states(new)
    for vip in {**before, **after}:
        if before.get(vip) != after.get(vip) and (vip or vip in after):
            state, reason = after.get(vip, (RouteState.WITHDRAWN, None))
            yield Transition(service=key, vip=vip, state=state, reason=reason)


def _disagreements(decision: ServiceDecision) -> frozenset[Conflict]:
    asked = (prefixes for vip in decision.vips for prefixes in vip.asked.values())
    return frozenset(conflict for prefixes in asked for intent in prefixes.values() for conflict in intent.conflicts)


def _states(decision: ServiceDecision | None) -> dict[IPAddress | None, tuple[RouteState, Reason | None]]:
    if decision is None:
        return {}
    if not decision.vips:
        return {None: (RouteState.WITHDRAWN, decision.reason)}
    return {d.vip: (d.state, d.reason) for d in decision.vips}
