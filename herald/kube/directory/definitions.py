"""Which file defines what, and which one counts. Pure: time comes in as an argument.

- Of several files that define the same thing the first by name counts, whatever the order in which they appeared.
- What its file defines no more leaves when its time has come, unless something defines it again before: a Git checkout
  deletes a file and writes it anew, and people move objects from one file to another.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Id = TypeVar("Id", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True)
class _Definition(Generic[Value]):
    """`held` is False once the file says it no more."""

    value: Value
    held: bool = True


class Definitions(Generic[Id, Value]):
    """What a set of files defines. `take_dirty` tells which ids may have changed since it was last asked."""

    def __init__(self) -> None:
        self._by_id: dict[Id, dict[Path, _Definition[Value]]] = {}
        self._by_path: dict[Path, set[Id]] = {}
        self._leaving: dict[tuple[Path, Id], float] = {}
        self._dirty: set[Id] = set()

    def define(self, path: Path, values: Mapping[Id, Value], leaves_at: float, keeps: Callable[[Id], bool]) -> None:
        """The file holds these now. What it held before leaves at that time, but stays where `keeps` says so."""
        for identity, value in values.items():
            self._hold(path, identity, value)
        for identity in self._by_path.get(path, set()) - values.keys():
            definition = self._by_id[identity][path]
            if keeps(identity):
                self._hold(path, identity, definition.value)
            elif definition.held:
                definition.held = False
                self._leaving[path, identity] = leaves_at
                self._dirty.add(identity)

    def expire(self, now: float) -> None:
        """Drops what was to leave by now."""
        for (path, identity), leaves_at in list(self._leaving.items()):
            if leaves_at <= now:
                self._drop(path, identity)

    def put_off(self, below: Path, leaves_at: float) -> None:
        """What is about to leave a directory does not do so before that time."""
        for path, identity in self._leaving:
            if path.is_relative_to(below):
                self._leaving[path, identity] = leaves_at

    def counting(self, identity: Id) -> Value | None:
        """The definition that counts: the first that a file holds, else the first of those about to leave."""
        definitions = self._by_id.get(identity)
        if not definitions:
            return None
        held = self.holders(identity)
        return definitions[held[0] if held else min(definitions)].value

    def holders(self, identity: Id) -> list[Path]:
        """The files that hold it now, the one that counts first."""
        return sorted(path for path, each in self._by_id.get(identity, {}).items() if each.held)

    def leaving(self) -> Iterator[Path]:
        """The files out of which something is about to be gone."""
        return (path for path, _ in self._leaving)

    def take_dirty(self) -> set[Id]:
        dirty, self._dirty = self._dirty, set()
        return dirty

    def _hold(self, path: Path, identity: Id, value: Value) -> None:
        definitions = self._by_id.setdefault(identity, {})
        before = definitions.get(path)
        if before is None or before.value is not value or not before.held:
            definitions[path] = _Definition(value)
            self._by_path.setdefault(path, set()).add(identity)
            self._leaving.pop((path, identity), None)
            self._dirty.add(identity)

    def _drop(self, path: Path, identity: Id) -> None:
        del self._leaving[path, identity]
        del self._by_id[identity][path]
        self._by_path[path].discard(identity)
        if not self._by_id[identity]:
            del self._by_id[identity]
        if not self._by_path[path]:
            del self._by_path[path]
        self._dirty.add(identity)
