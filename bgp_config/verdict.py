"""What became of each configuration object, in the words of its conditions, of logs and of `herald status`."""

from dataclasses import dataclass
from enum import StrEnum

from bgp_config.kind import ConfigKey
from bgp_config.problem import Problem


class InForce(StrEnum):
    """Which form of an object the Config holds."""

    CURRENT = "Current"
    LAST_GOOD = "LastGood"
    NOTHING = "Nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """About one object. `generation` is that of the form judged.

    `pending` names objects that it refers to and that do not exist, or not yet in an acceptable form.
    """

    generation: int
    in_force: InForce
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    pending: tuple[ConfigKey, ...] = ()

    @property
    def accepted(self) -> bool:
        return not self.problems
