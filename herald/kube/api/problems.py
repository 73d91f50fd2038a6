"""The objects that could not be decoded, named for the person who has to mend them, each until it is right or gone."""

import logging
from dataclasses import dataclass

from herald.kube.objects import Kind, ObjectKey

log = logging.getLogger("herald.kube.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectProblem:
    """`message` says what is wrong with the object, with the path of the field."""

    kind: Kind
    key: ObjectKey
    message: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.message}; its last good form stays in force"


class Problems:
    """Logs each when it appears and when it is mended."""

    def __init__(self) -> None:
        self._standing: dict[tuple[Kind, ObjectKey], ObjectProblem] = {}

    @property
    def all(self) -> tuple[ObjectProblem, ...]:
        return tuple(self._standing.values())

    def put(self, problem: ObjectProblem) -> None:
        if self._standing.get((problem.kind, problem.key)) != problem:
            self._standing[problem.kind, problem.key] = problem
            log.warning("problem: %s", problem)

    def clear(self, kind: Kind, key: ObjectKey) -> None:
        if problem := self._standing.pop((kind, key), None):
            log.info("mended: %s", problem)
