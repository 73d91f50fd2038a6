"""The EndpointSlices, read only while somebody has to know which nodes announce what: drains are rare, slices are many."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from herald.kube.objects import EndpointSlice, Kind, ObjectKey
from herald.kube.source import Changes, Gone, Source, Synced, Upsert

KINDS = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE})
"""With Services an API source reads the slices of load balancers only."""


@dataclass(slots=True)
class Survey:
    """`open_source` gives a new Source of KINDS. `on_change` is called when there is something new.

    `slices` is None while it is not known what there is.
    """

    open_source: Callable[[], Source]
    on_change: Callable[[], None]
    slices: dict[ObjectKey, EndpointSlice] | None = None
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def want(self, tasks: asyncio.TaskGroup, *, wanted: bool) -> None:
        """From now on it is read, or not any more."""
        if wanted and self._task is None:
            self._task = tasks.create_task(self._run())
        elif not wanted and self._task is not None:
            self._task.cancel()
            self._task, self.slices = None, None

    @property
    def is_looking(self) -> bool:
        """It is wanted, and not known yet."""
        return self._task is not None and self.slices is None

    def found(self) -> Iterable[EndpointSlice] | None:
        return None if self.slices is None else self.slices.values()

    async def _run(self) -> None:
        changes, found = Changes(), dict[ObjectKey, EndpointSlice]()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.open_source().run(changes))
            while True:
                for change in await changes.take():
                    match change:
                        case Upsert(object=EndpointSlice() as each):
                            found[each.key] = each
                        case Gone(kind=Kind.ENDPOINT_SLICE, key=key):
                            found.pop(key, None)
                        case Synced(kind=Kind.ENDPOINT_SLICE):
                            self.slices = found
                self.on_change()
