"""When a kind is Synced, Stale or Fresh. Each kind depends on the folders of its objects, and of what is said of them."""

from collections.abc import Mapping, Sequence

from herald.kube.directory.contents import Contents
from herald.kube.directory.folder import Folder
from herald.kube.directory.manifest import Place
from herald.kube.objects import Kind
from herald.kube.source import Changes, Fresh, Stale, Synced


class Words:
    """Remembers which were said."""

    def __init__(self, kinds: frozenset[Kind], folders: Sequence[Folder], contents: Contents) -> None:
        self._folders: Mapping[Kind, list[Folder]] = {
            kind: [folder for folder in folders if folder.place in _places(kind)] for kind in kinds
        }
        self._contents = contents
        self._synced: set[Kind] = set()
        self._stale: set[Kind] = set()

    def say(self, changes: Changes) -> None:
        """Posts the words that became true. To be called after everything that was read is posted."""
        for kind, folders in self._folders.items():
            lost = next((folder for folder in folders if folder.lost), None)
            if lost:
                if kind not in self._stale:
                    changes.post(Stale(kind, f"{lost.root} {lost.lost}"))
                self._stale.add(kind)
            elif not any(self._contents.waiting_in(folder) for folder in folders):
                self._say_read(kind, folders, changes)

    def _say_read(self, kind: Kind, folders: list[Folder], changes: Changes) -> None:
        if kind not in self._synced:
            self._synced.add(kind)
            changes.post(Synced(kind))
        # What vanished while a folder was lost is Gone only after its time; until then the kind is not up to date.
        if kind in self._stale and not any(self._contents.leaves(folder) for folder in folders):
            self._stale.discard(kind)
            changes.post(Fresh(kind))


def _places(kind: Kind) -> frozenset[Place]:
    match kind:
        case Kind.SECRET:
            return frozenset({Place.SECRETS})
        case Kind.SERVICE | Kind.DRAIN:
            return frozenset({Place.MANIFESTS, Place.STATUS})
        case _:
            return frozenset({Place.MANIFESTS})
