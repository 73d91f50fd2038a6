"""Adj-RIBs-Out: what each session's peer shall hear (desired), and the changes that were not handed on yet. No I/O."""

from collections.abc import Callable, Iterable, Mapping

from bgp_config.names import Prefix
from speaker.route import PathAttributes
from speaker.session import SessionSpec

Changes = dict[Prefix, PathAttributes | None]


class AdjRibsOut:
    """RFC 4271, section 3.2. One table per session; setting what is there already is no change.

    `revision` is another one whenever a table may be another one.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._tables: dict[SessionSpec, dict[Prefix, PathAttributes]] = {}
        self._changes: dict[SessionSpec, Changes] = {}

    def keep_sessions(self, specs: Iterable[SessionSpec]) -> None:
        """Tables of other sessions are dropped; a new session starts empty."""
        self.revision += 1
        self._tables = {spec: self._tables.get(spec, {}) for spec in specs}
        self._changes = {spec: changes for spec, changes in self._changes.items() if spec in self._tables}

    def replace(self, prefix: Prefix, routes: Mapping[SessionSpec, PathAttributes]) -> None:
        """From now on exactly these sessions announce the prefix, so."""
        for spec, table in self._tables.items():
            desired = routes.get(spec)
            if table.get(prefix) == desired:
                continue
            self.revision += 1
            if desired is None:
                del table[prefix]
            else:
                table[prefix] = desired
            self._changes.setdefault(spec, {})[prefix] = desired

    def table(self, spec: SessionSpec) -> Mapping[Prefix, PathAttributes]:
        """All that the session shall say."""
        return self._tables[spec]

    def take_withdrawals(self) -> dict[SessionSpec, Changes]:
        """The withdrawals among the changes that were not taken yet."""
        return self._take(lambda _, attributes: attributes is None)

    def take_changes(self, waits: Callable[[Prefix], bool] = lambda _: False) -> dict[SessionSpec, Changes]:
        """The changes that were not taken yet, the last word per prefix; announcements that must wait stay for later."""
        return self._take(lambda prefix, attributes: attributes is None or not waits(prefix))

    def _take(self, is_taken: Callable[[Prefix, PathAttributes | None], bool]) -> dict[SessionSpec, Changes]:
        taken: dict[SessionSpec, Changes] = {}
        left: dict[SessionSpec, Changes] = {}
        for spec, changes in self._changes.items():
            for prefix, attributes in changes.items():
                (taken if is_taken(prefix, attributes) else left).setdefault(spec, {})[prefix] = attributes
        self._changes = left
        return taken
