"""Reads the bytes of one manifest file into typed objects, and says of each document that is none what is wrong. Pure.

Takes what `kubectl apply --validate=strict` takes. Kinds that nobody asked for are passed over. A Secret is read only from
the folder of secrets. A document that is wrong never spoils the others, and keeps in force what it held before
(`Manifest.keeps`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from bgp_config.kind import ConfigKind
from bgp_config.parse import parse
from herald.kube.directory.decode import Flaw, NotDecodedError, ObjectId, decode, identify, known_kind, named
from herald.kube.directory.documents import DocumentText, NotParsedError, cut_json, cut_yaml, load_json, load_yaml
from herald.kube.objects import CONFIG_API_VERSION, ConfigManifest, Kind, KubeObject

_CONFIG_GROUP = CONFIG_API_VERSION.partition("/")[0]
NOT_IN_GIT = "secrets never lie in Git: move it to the folder of secrets (mode 0700, files 0600) and change the secret"


class Place(Enum):
    """Which of the folders a file lies in."""

    MANIFESTS = auto()
    SECRETS = auto()
    STATUS = auto()


@dataclass(frozen=True, slots=True)
class Document:
    """One document; more than one object if it is a List. Lines in its flaws count from the start of the document."""

    objects: tuple[tuple[ObjectId, KubeObject], ...] = ()
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file says; flaws with the number of their document, from 1. `documents` are all it holds, by their text."""

    objects: Mapping[ObjectId, KubeObject] = field(default_factory=dict)
    flaws: tuple[tuple[int, Flaw], ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)

    def keeps(self, identity: ObjectId) -> bool:
        """Whether an object that the file held before stays in force, since a document that may be about it is wrong."""
        return any(flaw.identity in {None, identity} for _, flaw in self.flaws)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestReader:
    """Reads the files of one folder."""

    kinds: frozenset[Kind]
    place: Place

    def read(self, content: bytes, suffix: str, before: Manifest) -> Manifest:
        """`before` is what the file said last: a document that has not changed since is not parsed again."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return Manifest(flaws=((1, Flaw(message="not UTF-8 text", hint="save the file as UTF-8")),))
        is_json = suffix == ".json"
        cuts = list(cut_json(text) if is_json else cut_yaml(text))
        load = load_json if is_json else load_yaml
        documents = {cut.text: before.documents.get(cut.text) or self._document(cut.text, load) for cut in cuts}
        return _assemble(cuts, documents)

    def _document(self, text: str, load: Callable[[str], Any]) -> Document:
        try:
            raw = load(text)
        except NotParsedError as error:
            # A parser may quote what it stumbled on, which among secrets must not be told on.
            message = "does not parse" if self.place is Place.SECRETS else str(error)
            return Document(
                flaws=(Flaw(message=message, hint="the last good form of the file's objects stays", line=error.line),)
            )
        objects: list[tuple[ObjectId, KubeObject]] = []
        flaws: list[Flaw] = []
        for _, item in items(raw):
            try:
                kind = self._kind(item)
                if kind is not None:
                    identity = identify(kind, item)
                    objects.append((identity, self._decode(identity, item)))
            except NotDecodedError as error:
                flaws.append(error.flaw)
        return Document(tuple(objects), tuple(flaws))

    def _kind(self, raw: Mapping[str, Any]) -> Kind | None:
        """None is an object that is not for us."""
        api_version, kind = raw.get("apiVersion"), raw.get("kind")
        if not isinstance(api_version, str) or not isinstance(kind, str):
            raise NotDecodedError("no Kubernetes object: apiVersion or kind is missing", "keep other files elsewhere")
        known = known_kind(api_version, kind)
        if known is None and api_version.partition("/")[0] == _CONFIG_GROUP:
            kinds = ", ".join(sorted(known for known in Kind if known.is_config))
            raise NotDecodedError(f"unknown kind {kind} of {api_version}", f"{CONFIG_API_VERSION} has {kinds}")
        return known if known in self.kinds or known is Kind.SECRET else None

    def _decode(self, identity: ObjectId, raw: Mapping[str, Any]) -> KubeObject:
        if identity[0] is Kind.SECRET and self.place is not Place.SECRETS:
            raise NotDecodedError(f"{named(identity)} among the manifests is refused", NOT_IN_GIT, identity)
        decoded = decode(identity, raw)
        if isinstance(decoded, ConfigManifest):
            _refuse_unknown_fields(identity, decoded)
        return decoded


def _refuse_unknown_fields(identity: ObjectId, manifest: ConfigManifest) -> None:
    """Unlike an API server, where a newer client may have written them: here they are a person's slip."""
    unknown = parse(ConfigKind(manifest.kind.value), manifest.metadata.name, manifest.spec).warnings
    if unknown:
        message = f"{named(identity)}: there is no field {', '.join(problem.path for problem in unknown)}"
        raise NotDecodedError(message, unknown[0].hint, identity, path=unknown[0].path)


def items(raw: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The objects of one document, none if it is empty, many if it is a List, each with its place in the document."""
    match raw:
        case None:
            return
        case {"kind": "List", "items": list(listed)}:
            for index, item in enumerate(listed):
                yield from items(item, (*at, "items", index))
        case dict():
            yield at, raw
        case _:
            yield at, {}  # to be named as no Kubernetes object


def _assemble(cuts: list[DocumentText], documents: Mapping[str, Document]) -> Manifest:
    objects: dict[ObjectId, KubeObject] = {}
    flaws: list[tuple[int, Flaw]] = []
    for number, cut in enumerate(cuts, start=1):
        document = documents[cut.text]
        flaws += [(number, _in_file(flaw, cut)) for flaw in document.flaws]
        for identity, value in document.objects:
            if identity in objects:
                message = f"{named(identity)} is defined twice in this file"
                flaws.append((number, Flaw(message=message, hint="the first counts: remove one", identity=identity)))
            objects.setdefault(identity, value)
    return Manifest(objects, tuple(flaws), documents)


def _in_file(flaw: Flaw, cut: DocumentText) -> Flaw:
    return flaw if flaw.line is None else replace(flaw, line=cut.line + flaw.line + 1)
