"""The witnesses of a speaker (witness.py), by name for those who show what they know, and in turn for the loop."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

from herald.kube.objects import KubeObject
from speaker.admission import Admission
from speaker.bfd.witness import BfdWitness
from speaker.by_hand.witness import ByHand
from speaker.data_path import question_of
from speaker.drain import DrainWitness
from speaker.flaps import Flaps
from speaker.health.witness import HealthWitness
from speaker.leaving import Leaving
from speaker.pool_guard import PoolGuard
from speaker.settings import Settings
from speaker.stale import StaleWitness
from speaker.state.file import Origin, this_boot
from speaker.state.memory import Memory
from speaker.table import SessionTable
from speaker.witness import Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """None: there is nothing to watch, such as no data path to wait for. Their order does not matter."""

    leaving: Leaving
    by_hand: ByHand
    drain: DrainWitness
    flaps: Flaps
    health: HealthWitness
    bfd: BfdWitness
    admission: Admission | None
    pool_guard: PoolGuard | None
    stale: StaleWitness
    memory: Memory

    @staticmethod
    def of(settings: Settings, wake: Callable[[], None], remembered: Iterable[KubeObject] = ()) -> "Witnesses":
        """Those that the flags ask for. `wake` makes the loop turn; `remembered` is what an earlier speaker knew."""
        question = question_of(settings.data_path)
        limit_s = settings.data_path_timeout_s
        return Witnesses(
            leaving=Leaving(ignore_exclude_label=settings.ignore_exclude_label),
            by_hand=ByHand(settings.runtime_dir, Origin(node=settings.node_name, boot=this_boot()), wake),
            drain=DrainWitness(table=SessionTable(), wall=time.time, grants_itself=settings.grants_drains),
            flaps=Flaps(),
            health=HealthWitness(settings.load_balancer_class, wake),
            bfd=BfdWitness(settings.runtime_dir, wake),
            admission=Admission(str(settings.data_path), question, limit_s, wake) if question else None,
            pool_guard=PoolGuard() if settings.guard_pools else None,
            stale=StaleWitness(settings.max_stale_s, time.time),
            memory=Memory(remembered),
        )

    def __iter__(self) -> Iterator[Witness]:
        return (witness for each in fields(self) if (witness := getattr(self, each.name)) is not None)
