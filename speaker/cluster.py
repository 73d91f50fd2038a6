"""The cluster as this speaker knows it, and which Services a change makes dirty (DESIGN.md, rule 2). No I/O.

What it holds depends on the last word about each object only, except that what fails is kept in its last good form: a
refused configuration object (bgp_config's store does that) and a peer's password.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import assert_never

from bgp_config.config import Config
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import IPAddress, NodeName, Prefix
from bgp_config.store import ConfigStore
from bgp_config.verdict import Verdict
from herald.kube.objects import (
    ConfigManifest,
    EndpointSlice,
    Kind,
    KubeObject,
    Node,
    ObjectKey,
    Secret,
    Service,
    ServiceCIDR,
)
from herald.kube.source import Change, Fresh, Gone, Stale, Synced, Upsert
from speaker.peering import password_of

TELLS_OF_PEERS = frozenset({Kind.NODE, Kind.BGP_PEER, Kind.BFD_PROFILE, Kind.SECRET})
REQUIRED = frozenset(Kind)
"""Nothing is decided before every kind has been listed once (rule 4)."""


@dataclass(slots=True)
class Dirty:
    """What must be decided again. `everything` includes which sessions there are."""

    services: set[ObjectKey] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.services)


@dataclass(slots=True)
class Cluster:
    """One owner: the core. `claims` are the Services whose status holds an address: normally one."""

    node_name: NodeName
    node: Node | None = None
    services: dict[ObjectKey, Service] = field(default_factory=dict)
    secrets: dict[ObjectKey, Secret] = field(default_factory=dict)
    service_cidrs: dict[ObjectKey, ServiceCIDR] = field(default_factory=dict)
    dirty: Dirty = field(default_factory=Dirty)
    stale: dict[Kind, str] = field(default_factory=dict)
    _config: ConfigStore = field(default_factory=ConfigStore)
    _slices: dict[ObjectKey, EndpointSlice] = field(default_factory=dict)
    _slices_of: dict[ObjectKey, dict[ObjectKey, EndpointSlice]] = field(default_factory=dict)
    _claims: dict[IPAddress, set[ObjectKey]] = field(default_factory=dict)
    _synced: set[Kind] = field(default_factory=set)

    @property
    def synced(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> frozenset[Kind]:
        """The kinds that have not been listed yet."""
        return REQUIRED - self._synced

    @property
    def knows_peers(self) -> bool:
        """What sessions are made from has been listed, whatever else has not."""
        return self._synced >= TELLS_OF_PEERS

    @property
    def config(self) -> Config:
        return self._config.config

    @property
    def verdicts(self) -> Mapping[ConfigKey, Verdict]:
        """What became of each configuration object."""
        return self._config.verdicts

    @property
    def service_ranges(self) -> tuple[Prefix, ...]:
        """What the cluster gives to its own Services (KEP-1880). A range that cannot be read counts for nothing."""
        ranges = (_network(cidr) for _, each in sorted(self.service_cidrs.items()) for cidr in each.spec.cidrs)
        return tuple(network for network in ranges if network)

    def slices_of(self, service: ObjectKey) -> Mapping[ObjectKey, EndpointSlice]:
        return self._slices_of.get(service, {})

    def slice(self, key: ObjectKey) -> EndpointSlice | None:
        return self._slices.get(key)

    def claimants(self, vip: IPAddress) -> AbstractSet[ObjectKey]:
        """The Services whose status holds the address."""
        return self._claims.get(vip, frozenset())

    def holder(self, vip: IPAddress) -> ObjectKey | None:
        """The Service that the address belongs to: the oldest of those whose status holds it."""
        return min(self._claims.get(vip, ()), key=self._seniority, default=None)

    def apply(self, change: Change) -> None:
        match change:
            case Upsert():
                self._upsert(change.object)
            case Gone():
                self._gone(change.kind, change.key)
            case Synced(kind):
                self._synced.add(kind)
                self.dirty.everything = True
            case Stale(kind, why):
                self.stale[kind] = why
            case Fresh(kind):
                self.stale.pop(kind, None)
            case _:
                assert_never(change)

    def _upsert(self, thing: KubeObject) -> None:
        match thing:
            case Service():
                self._service(thing.key, thing if thing.is_load_balancer else None)
            case EndpointSlice():
                self._slice(thing.key, thing)
            case Node():
                self._node(thing.key, thing)
            case Secret():
                self._secret(thing)
            case ServiceCIDR():
                self.service_cidrs[thing.key] = thing
                self.dirty.everything = True
            case ConfigManifest():
                self._manifest(thing)
            case _:
                assert_never(thing)

    def _gone(self, kind: Kind, key: ObjectKey) -> None:
        match kind:
            case Kind.SERVICE:
                self._service(key, None)
            case Kind.ENDPOINT_SLICE:
                self._slice(key, None)
            case Kind.NODE:
                self._node(key, None)
            case Kind.SECRET:
                pass  # fail static: a password that is pruned by mistake must not end every session
            case Kind.SERVICE_CIDR:
                self.service_cidrs.pop(key, None)
                self.dirty.everything = True
            case _:
                before = self.config
                self._config.remove(ConfigKind(kind.value), key.name)
                self.dirty.everything |= self.config is not before

    def _service(self, key: ObjectKey, service: Service | None) -> None:
        old = self.services.pop(key, None)
        touched = {*(old.vips if old else ()), *(service.vips if service else ())}
        # Who else claims these addresses may gain or lose them, by this Service's age too.
        self.dirty.services.update(key for vip in touched for key in self._claims.get(vip, ()))
        self.dirty.services.add(key)
        for vip in old.vips if old else ():
            self._claims[vip].discard(key)
            if not self._claims[vip]:
                del self._claims[vip]
        if service is not None:
            self.services[key] = service
            for vip in service.vips:
                self._claims.setdefault(vip, set()).add(key)

    def _slice(self, key: ObjectKey, endpoints: EndpointSlice | None) -> None:
        old = self._slices.pop(key, None)
        owners = (s.service_key for s in (old, endpoints) if s)
        self.dirty.services.update(owner for owner in owners if owner)
        if old and old.service_key:
            self._slices_of[old.service_key].pop(key)
            if not self._slices_of[old.service_key]:
                del self._slices_of[old.service_key]
        if endpoints and endpoints.service_key:
            self._slices[key] = endpoints
            self._slices_of.setdefault(endpoints.service_key, {})[key] = endpoints

    def _node(self, key: ObjectKey, node: Node | None) -> None:
        if key.name == self.node_name and node != self.node:
            self.node = node
            self.dirty.everything = True

    def _secret(self, secret: Secret) -> None:
        if password_of(secret) and password_of(secret) != password_of(self.secrets.get(secret.key)):
            self.secrets[secret.key] = secret
            self.dirty.everything = True

    def _manifest(self, manifest: ConfigManifest) -> None:
        before = self.config
        metadata = manifest.metadata
        self._config.upsert(
            ConfigKind(manifest.kind.value),
            metadata.name,
            created=metadata.creation_timestamp or "",
            generation=metadata.generation,
            spec=manifest.spec,
            terminating=metadata.deletion_timestamp is not None,
        )
        self.dirty.everything |= self.config is not before

    def _seniority(self, key: ObjectKey) -> tuple[str, ObjectKey]:
        return self.services[key].metadata.creation_timestamp or "", key


def _network(cidr: str) -> Prefix | None:
    try:
        return ip_network(cidr)
    except ValueError:
        return None
