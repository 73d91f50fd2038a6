"""The last good form of each configuration object, as it was written: the config store keeps only what it means. Pure."""

from collections.abc import Iterable

from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.verdict import InForce
from herald.kube.objects import ConfigManifest, Kind, KubeObject, ObjectKey
from herald.kube.source import Change, Gone, Upsert
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.transition import Transition
from speaker.witness import Witness


class LastGood(Witness):
    """One owner: the daemon's loop. `remembered` are those of an earlier life."""

    def __init__(self, remembered: Iterable[KubeObject]) -> None:
        self._good = {(m.kind, m.key): m for m in remembered if isinstance(m, ConfigManifest)}
        self._present: dict[tuple[Kind, ObjectKey], ConfigManifest] = {}
        self._unjudged = False

    @property
    def manifests(self) -> list[ConfigManifest]:
        return list(self._good.values())

    def hear(self, change: Change, before: Cluster, now: float) -> None:  # noqa: ARG002 -- a witness's word
        match change:
            case Upsert(object=ConfigManifest() as manifest):
                self._present[manifest.kind, manifest.key] = manifest
                self._unjudged = True
            case Gone(kind, key):
                self._present.pop((kind, key), None)
                self._good.pop((kind, key), None)
            case _:
                pass

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:  # noqa: ARG002 -- a witness's word
        """A form is good if it is in force. Whether it is may change with every other object."""
        if not self._unjudged:
            return
        self._unjudged = False
        verdicts = core.cluster.verdicts
        for (kind, key), manifest in self._present.items():
            verdict = verdicts.get(ConfigKey(ConfigKind(kind.value), key.name))
            if verdict and verdict.in_force is InForce.CURRENT:
                self._good[kind, key] = manifest
