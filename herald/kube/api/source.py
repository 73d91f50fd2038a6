"""The API source: objects from a Kubernetes API server, in the words of herald.kube.source.

- Only what Herald needs is asked for: Services of type LoadBalancer, the EndpointSlices of these, Secrets by name, a
  speaker's own Node.
- An API server that is away, hangs or restarts takes nothing away: the kind is Stale until a whole list was read again.
- Deletions of configuration objects count after 10 s, and not at all if their kind turns out to be served no longer.
- An object that cannot be decoded is named in `problems`; its last good form stays, and the others are served.
"""

import asyncio
import time
from collections.abc import Iterable

from herald.kube.api.client import ApiClient
from herald.kube.api.feed import ObjectFeed
from herald.kube.api.load_balancers import SERVICES, LoadBalancers
from herald.kube.api.pace import USUAL, Pace
from herald.kube.api.problems import ObjectProblem, Problems
from herald.kube.api.pulse import keep_asking
from herald.kube.api.reflector import Reflector, Selection
from herald.kube.api.secrets import SecretWatches
from herald.kube.api.words import KindWords
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Changes

_PAIR = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE})


class ApiSource:
    """A Source. `node` is the only Node to be said, None says all. Secrets are those of `want_secrets`, at first none.

    EndpointSlices without Services are said all. Runs once; for a new life make a new one. The client stays the caller's.
    """

    def __init__(self, client: ApiClient, kinds: frozenset[Kind], node: str | None = None, pace: Pace = USUAL) -> None:
        self._client = client
        self._kinds = kinds
        self._node = node
        self._pace = pace
        self._problems = Problems()
        self._wanted_secrets: frozenset[ObjectKey] = frozenset()
        self._secrets: SecretWatches | None = None

    @property
    def problems(self) -> tuple[ObjectProblem, ...]:
        """The objects that cannot be decoded now."""
        return self._problems.all

    def withholds(self, kind: Kind, key: ObjectKey) -> bool:
        """Whether the object may exist though it was not said: it cannot be decoded."""
        return any(problem.kind is kind and problem.key == key for problem in self._problems.all)

    def want_secrets(self, keys: Iterable[ObjectKey]) -> None:
        """Exactly these Secrets are to be said from now on; before or while it runs."""
        self._wanted_secrets = frozenset(keys)
        if self._secrets:
            self._secrets.want(self._wanted_secrets)

    async def run(self, changes: Changes) -> None:
        single = set(self._kinds)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_asking(self._client, self._pace))
            if single >= _PAIR:
                single -= _PAIR
                LoadBalancers(self._client, changes, self._problems, self._pace).start(tasks)
            if Kind.SECRET in single:
                single.discard(Kind.SECRET)
                self._secrets = SecretWatches(self._client, changes, self._problems, self._pace, tasks, self._wanted_secrets)
            for kind in sorted(single):
                tasks.create_task(self._reflect(kind, changes))

    async def _reflect(self, kind: Kind, changes: Changes) -> None:
        selection = self._selection(kind)
        feed = ObjectFeed(kind, changes.post, self._problems, self._pace.hold_s if kind.is_config else 0.0)
        reflector = Reflector(self._client, selection, feed, KindWords(kind, changes.post, [selection]), self._pace)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reflector.run())
            while kind.is_config:
                await asyncio.sleep(self._pace.release_s)
                if feed.holds:
                    feed.release(time.monotonic())
                    reflector.say_fresh()

    def _selection(self, kind: Kind) -> Selection:
        if kind is Kind.SERVICE:
            return SERVICES
        selector = f"metadata.name={self._node}" if kind is Kind.NODE and self._node else ""
        return Selection(kind=kind, field_selector=selector)
