"""What is written down, and when: a witness that hears every change, and the lines of both files. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from herald.kube.objects import KubeObject, Secret
from herald.kube.source import Change
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.peering import secret_key
from speaker.state.last_good import LastGood
from speaker.state.record import Part, encode_object, encode_part
from speaker.transition import Transition
from speaker.witness import Witness


class Memory(Witness):
    """One owner: the daemon's loop. `on_change` is called when the files are no longer what they should be; `set_aside` is
    why files of an earlier speaker count for nothing.

    What is told of the cluster is told object by object while it changes: whoever writes may pause in between.
    """

    def __init__(self, remembered: Iterable[KubeObject]) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.set_aside: tuple[str, ...] = ()
        self._last_good = LastGood(remembered)

    def errors(self) -> list[tuple[str, str, str]]:
        """What of an earlier speaker's files is of no use, for people: about what, the reason, the text."""
        return [("StateFile", "setAside", f"a file of the last speaker is set aside: {why}") for why in self.set_aside]

    def hear(self, change: Change, before: Cluster, now: float) -> None:
        self._last_good.hear(change, before, now)
        self.on_change()

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        self._last_good.follow(core, transitions, now)
        if any(True for _ in transitions):
            self.on_change()

    def state(self, core: Core, parts: Sequence[Part]) -> Iterator[bytes] | None:
        """None before everything was listed once: what is known till then is less than what the file says."""
        return self._lines(core, parts) if core.cluster.synced else None

    def _lines(self, core: Core, parts: Sequence[Part]) -> Iterator[bytes]:
        """The parts last: what the data path has is then of no earlier time than the objects are."""
        yield from map(encode_object, self._last_good.manifests)
        yield from map(encode_object, _objects(core.cluster))
        yield from map(encode_part, parts)

    @staticmethod
    def passwords(core: Core) -> Iterator[bytes] | None:
        """Those of this node's peers only."""
        return map(encode_object, _secrets(core)) if core.cluster.synced else None


def _objects(cluster: Cluster) -> Iterator[KubeObject]:
    if cluster.node is not None:
        yield cluster.node
    yield from list(cluster.service_cidrs.values())
    for key in list(cluster.services):
        if (service := cluster.services.get(key)) is not None:
            yield service
            yield from list(cluster.slices_of(key).values())


def _secrets(core: Core) -> list[Secret]:
    named = {secret_key(peer.password_secret) for peer in core.peers() if peer.password_secret}
    return [secret for key, secret in core.cluster.secrets.items() if key in named]
