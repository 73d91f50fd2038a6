"""Keeps all configuration objects and what they mean together: one Config, and a Verdict about each object.

Invariants: an object that is refused never stops another, and keeps its last good form in force (fail static). The result
depends on the objects as they are and on their last good forms, never on the order of arrival. `config` is the same object
until its meaning changes. No I/O; one owner.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from bgp_config.claims import Form
from bgp_config.communities import Community
from bgp_config.config import Advertisement, BFDProfile, Config, Drain, HealthCheck, Peer, Pool
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.meaning import NamedCommunity, UnresolvedAdvertisement
from bgp_config.names import CommunityName, PoolName
from bgp_config.overlaps import disagreements
from bgp_config.parse import Accepted, Parsed, UnknownFields, parse
from bgp_config.problem import Problem
from bgp_config.settle import ConfigObject, Standing, settle
from bgp_config.verdict import Verdict


class ConfigStore:
    """A change of one object settles its kind again, which costs about as much as sorting the objects of that kind."""

    def __init__(self, unknown_fields: UnknownFields = UnknownFields.WARN) -> None:
        self._unknown_fields = unknown_fields
        self._objects: dict[ConfigKind, dict[str, ConfigObject]] = {kind: {} for kind in ConfigKind}
        self._standings: dict[ConfigKind, dict[str, Standing]] = {kind: {} for kind in ConfigKind}
        self._last_good: dict[ConfigKind, dict[str, Form]] = {kind: {} for kind in ConfigKind}
        self._config = Config()
        self._verdicts: Mapping[ConfigKey, Verdict] | None = None

    @property
    def config(self) -> Config:
        return self._config

    def upsert(
        self,
        kind: ConfigKind,
        name: str,
        created: str | None,
        generation: int,
        spec: Mapping[str, object],
        *,
        terminating: bool = False,
    ) -> None:
        """The object exists and says this. `created` is its creationTimestamp; `terminating`: it has a deletionTimestamp."""
        parsed = parse(kind, name, spec, self._unknown_fields)
        self._objects[kind][name] = ConfigObject(
            name=name, created=created or "", generation=generation, parsed=parsed, terminating=terminating
        )
        self._settle(kind)

    def remove(self, kind: ConfigKind, name: str) -> None:
        """The object does not exist, and its last good form is forgotten. Removing what is not there changes nothing."""
        self._objects[kind].pop(name, None)
        self._last_good[kind].pop(name, None)
        self._settle(kind)

    @property
    def verdicts(self) -> Mapping[ConfigKey, Verdict]:
        """About every object that exists. Worked out when asked for."""
        if self._verdicts is None:
            existing = {ConfigKey(kind, name) for kind in ConfigKind for name, _ in self._in_force(kind)}
            warnings = {
                ConfigKey(ConfigKind.BGP_ADVERTISEMENT, name): problems
                for name, problems in disagreements(self._config.advertisements.values()).items()
            }
            self._verdicts = MappingProxyType(
                {
                    (key := ConfigKey(kind, name)): _judge(
                        each, self._standings[kind][name], existing, warnings.get(key, ())
                    )
                    for kind, objects in self._objects.items()
                    for name, each in sorted(objects.items())
                }
            )
        return self._verdicts

    def _settle(self, kind: ConfigKind) -> None:
        self._verdicts = None
        pools = frozenset(PoolName(name) for name, _ in self._in_force(ConfigKind.ADDRESS_POOL))
        self._standings[kind] = settle(self._objects[kind].values(), self._last_good[kind], self._communities(), pools)
        self._last_good[kind].update(self._in_force(kind))
        if kind in {ConfigKind.COMMUNITY, ConfigKind.ADDRESS_POOL}:  # advertisements name them
            self._settle(ConfigKind.BGP_ADVERTISEMENT)
            return
        config = self._join()
        if config != self._config:
            self._config = config

    def _join(self) -> Config:
        """All forms in force, each mapping in the order of names."""
        forms = [form for kind in ConfigKind for _, form in sorted(self._in_force(kind), key=lambda item: item[0])]
        return Config(
            pools=MappingProxyType({form.name: form for form in forms if isinstance(form, Pool)}),
            peers=MappingProxyType({form.name: form for form in forms if isinstance(form, Peer)}),
            advertisements=MappingProxyType({form.name: form for form in forms if isinstance(form, Advertisement)}),
            bfd_profiles=MappingProxyType({form.name: form for form in forms if isinstance(form, BFDProfile)}),
            health_checks=MappingProxyType({form.name: form for form in forms if isinstance(form, HealthCheck)}),
            drains=MappingProxyType({form.name: form for form in forms if isinstance(form, Drain)}),
        )

    def _communities(self) -> Mapping[CommunityName, Community]:
        forms = (form for _, form in self._in_force(ConfigKind.COMMUNITY))
        return {form.name: form.value for form in forms if isinstance(form, NamedCommunity)}

    def _in_force(self, kind: ConfigKind) -> Iterator[tuple[str, Form]]:
        return ((name, standing.form) for name, standing in self._standings[kind].items() if standing.form is not None)


def _judge(
    each: ConfigObject, standing: Standing, existing: AbstractSet[ConfigKey], warnings: tuple[Problem, ...]
) -> Verdict:
    return Verdict(
        generation=each.generation,
        in_force=standing.in_force,
        problems=standing.problems,
        warnings=(*each.parsed.warnings, *warnings),
        pending=tuple(sorted(_references(each.parsed) - existing)),
    )


def _references(parsed: Parsed) -> AbstractSet[ConfigKey]:
    """The objects that an accepted one names."""
    match parsed:
        case Accepted(UnresolvedAdvertisement(advertisement=advertisement, aliases=aliases)):
            pools = {ConfigKey(ConfigKind.ADDRESS_POOL, name) for name in advertisement.pools or ()}
            peers = {ConfigKey(ConfigKind.BGP_PEER, name) for name in advertisement.peers or ()}
            return pools | peers | {ConfigKey(ConfigKind.COMMUNITY, alias) for alias in aliases}
        case Accepted(Peer(bfd_profile=str() as profile)):
            return {ConfigKey(ConfigKind.BFD_PROFILE, profile)}
        case _:
            return frozenset()
