"""The speaker's core: changes of the cluster in, desired Adj-RIBs-Out and the reasons out. No I/O, no clock.

Invariant, held by a property test: whatever the order, number and grouping of changes, decisions and tables are those that
a core would have that was only ever told the final state, what the data-path gate let through, and what evidence there is.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bgp_config.config import Peer
from bgp_config.names import IPAddress, NodeName, PeerName, Prefix
from herald.kube.objects import ObjectKey
from herald.kube.source import Change
from speaker.attributes import Conflict
from speaker.cluster import Cluster
from speaker.contributions import Contribution, Contributions
from speaker.decide import NodeView, ServiceDecision, VIPDecision, decide, wishes
from speaker.evidence import Claim, Evidence, Source, Standing
from speaker.guard import Guard
from speaker.limits import PrefixLimits
from speaker.neighborhood import Neighborhood
from speaker.peering import NodeNetwork, Peering
from speaker.rib import AdjRibsOut
from speaker.session import SessionSpec
from speaker.transition import Transition, transitions


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

    `admitted`: what the data-path gate has let through so far; None where there is no gate. `greets`: sessions are opened as
    soon as the peers are known, with nothing to announce, so that no peer goes on with routes of an earlier boot.
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
        self.neighborhood = Neighborhood(self.cluster)
        self.evidence = Evidence()
        self.decisions: dict[ObjectKey, ServiceDecision] = {}
        self.aggregates: set[Prefix] = set()
        self._conflicts: dict[ObjectKey, frozenset[Conflict]] = {}
        self._class = load_balancer_class
        self.ignore_exclude_label = ignore_exclude_label
        self._admitted = None if admitted is None else set(admitted)
        self._held: set[Claim] = set()
        self.greets = False
        self._limits = PrefixLimits({})
        self._contributions = Contributions()
        self._view = self._make_view()

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.cluster.apply(change)

    @property
    def peering(self) -> Peering:
        return self.neighborhood.peering

    def peers(self) -> list[Peer]:
        """The peers that select this node."""
        return self.neighborhood.peers()

    def learn(self, network: NodeNetwork) -> bool:
        """What the kernel says now; whether that is new."""
        is_new = self.neighborhood.learn(network)
        self.cluster.dirty.everything |= is_new
        return is_new

    def await_secrets(self, keys: frozenset[ObjectKey]) -> None:
        """These may be heard of any moment: until then no session ends for want of one."""
        self.cluster.dirty.everything |= self.neighborhood.await_secrets(keys)

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

    def stand(self, source: Source, standing: Standing | None) -> None:
        """What the source knows of the whole node from now on; None: nothing that speaks against it."""
        if self.evidence.node(source, standing):
            self.cluster.dirty.services.update(self.cluster.services)

    def doubt(self, source: Source, about: Claim | IPAddress, standing: Standing | None) -> None:
        """The same of a VIP, as one Service's or whosever it is."""
        if self.evidence.vip(source, about, standing):
            self.cluster.dirty.services.update({about[0]} if isinstance(about, tuple) else self.cluster.claimants(about))

    def give_grace(self, *, given: bool) -> None:
        """Whether a node that leaves is still announced from, least preferred."""
        if self.evidence.grace != given:
            self.evidence.grace = given
            self.cluster.dirty.services.update(self.cluster.services)

    @property
    def node_standing(self) -> Standing:
        """How anything is announced from this node at best."""
        return self._view.standing

    @property
    def held(self) -> frozenset[Claim]:
        """What came and went too often and was not let go yet."""
        return frozenset(self._held)

    @property
    def admitted(self) -> frozenset[Claim]:
        return frozenset(self._admitted or ())

    def step(self, running: Collection[SessionSpec] = (), about: AbstractSet[ObjectKey] | None = None) -> Outcome:
        """Decides what is dirty. Nothing before everything required has been listed (rule 4).

        `running` are the sessions there are: one that waits to be replaced by a changed one is kept up to date till then.
        `about`: nothing but these is decided, for who asks once; the others still take their places with peers.
        """
        if not self.cluster.synced:
            if self.greets and self.cluster.knows_peers:
                self._renew(running)
            return Outcome()
        dirty, self.cluster.dirty = self.cluster.dirty, type(self.cluster.dirty)()
        if dirty.everything:
            self._renew(running)
            keys = {*self.cluster.services, *self.decisions}
        else:
            keys = dirty.services
        if self._limits:
            keys = keys.union(*(self._want(key) for key in keys))
        if about is not None:
            keys = keys & about
        changed: list[Transition] = []
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
            changed.extend(transitions(key, old, new))
        if dirty.everything:
            self._forget_absent()
        had = {vip for vip in affected if self.announces(vip)}
        prefixes = set().union(*(self._contributions.set(vip, self._contribute(vip)) for vip in affected))
        has = {vip for vip in affected if self.announces(vip)}
        leaks = [prefix for prefix in prefixes if not self._program(prefix)]
        return Outcome(
            transitions=tuple(changed),
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
        announced = {d.vip for d in new.vips if d.state.is_announced} if new else set()
        present = {d.vip for d in new.vips} if new else set()
        before = {d.vip for d in old.vips} if old else set()
        if self._held:
            self._held.difference_update((key, vip) for vip in announced | (before - present))
        if self._admitted is None:
            return
        for decision in (old, new):
            self._admitted.difference_update(
                (key, d.vip) for d in (decision.vips if decision else ()) if d.vip not in announced
            )

    def _forget_absent(self) -> None:
        """What an earlier life knew of Services that are gone, or of VIPs that are no longer theirs."""
        vips = {(key, d.vip) for key, decision in self.decisions.items() for d in decision.vips}
        self._held &= vips
        if self._admitted is not None:
            self._admitted &= vips

    def _renew(self, running: Collection[SessionSpec]) -> None:
        self.ribs.keep_sessions(self.neighborhood.renew(running))
        self._limits = PrefixLimits({p.name: p.max_prefixes for p in self.peering.peers.values() if p.max_prefixes})
        self._view = self._make_view()

    def _make_view(self) -> NodeView:
        cluster = self.cluster
        return NodeView(
            name=cluster.node_name,
            node=cluster.node,
            guard=Guard(cluster.config, self.neighborhood.addresses(), cluster.service_ranges),
            peers=self.peering.peers,
            load_balancer_class=self._class,
            ignore_exclude_label=self.ignore_exclude_label,
            evidence=self.evidence,
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
        if decision is None or not decision.state.is_announced:
            return ()
        return tuple(
            Contribution(prefix, peer, decision.state, intent)
            for peer, prefixes in decision.asked.items()
            for prefix, intent in prefixes.items()
        )

    def _program(self, prefix: Prefix) -> bool:
        """Sets the routes of the prefix; False if the guard held them back."""
        routes = self.neighborhood.routes(prefix, self._contributions.of(prefix))
        held_back = self._view.guard.leaks({prefix: True}) if routes else []
        self.ribs.replace(prefix, {} if held_back else routes)
        if prefix.prefixlen < prefix.max_prefixlen:
            (self.aggregates.add if routes and not held_back else self.aggregates.discard)(prefix)
        return not held_back

    def _holding(self, vip: IPAddress) -> VIPDecision | None:
        holder = self.cluster.holder(vip)
        decision = self.decisions.get(holder) if holder else None
        return next((d for d in decision.vips if d.vip == vip), None) if decision else None


def _disagreements(decision: ServiceDecision) -> frozenset[Conflict]:
    asked = (prefixes for vip in decision.vips for prefixes in vip.asked.values())
    return frozenset(conflict for prefixes in asked for intent in prefixes.values() for conflict in intent.conflicts)
