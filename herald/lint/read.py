"""Makes located objects of the text of a file. Pure.

Kinds of others are passed over, and so is what is no Kubernetes object: a repository holds many other files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from bgp_config.explain import nearest
from bgp_config.kind import ConfigKey, ConfigKind
from herald.kube.directory.decode import NotDecodedError, decode, identify, known_kind
from herald.kube.directory.documents import NotParsedError, cut_json, cut_yaml, load_json, load_yaml
from herald.kube.directory.manifest import NOT_IN_GIT, items
from herald.kube.objects import CONFIG_API_VERSION, ConfigManifest, Kind
from herald.lint.finding import Finding, Severity
from herald.lint.place import Place, lines_of

_GROUP = CONFIG_API_VERSION.partition("/")[0]
_FIELDS = ["apiVersion", "kind", "metadata", "spec", "status"]


@dataclass(frozen=True, slots=True)
class LocatedObject:
    """An object of one of our kinds, and where it was found."""

    key: ConfigKey
    spec: Mapping[str, object]
    place: Place


Reading: TypeAlias = LocatedObject | Finding


def read(file: str, content: bytes, *, in_folder: bool = False) -> Iterator[Reading]:
    """What a file holds that is ours, and what is wrong with it by itself. A name that ends in .json is JSON, else YAML.

    `in_folder`: of a folder of manifests, in which no Secret is read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield Finding(file=file, message="not UTF-8 text", hint="Save the file as UTF-8.")
        return
    is_json = file.endswith(".json")
    for number, cut in enumerate(cut_json(text) if is_json else cut_yaml(text), start=1):
        try:
            raw = load_json(cut.text) if is_json else load_yaml(cut.text)
        except NotParsedError as error:
            line = cut.line + (error.line or 0) + 1
            hint = "Until it parses, nothing in this document is known."
            yield Finding(file=file, document=number, line=line, message=str(error), hint=hint)
            continue
        ours = [(at, item) for at, item in items(raw) if _claims_to_be_ours(item) or (in_folder and _is_secret(item))]
        lines = lines_of(cut.text) if ours else {}
        for at, item in ours:
            place = Place(file=file, document=number, first_line=cut.line + 1, lines=lines, at=at)
            yield from [_secret(item, place)] if _is_secret(item) else _read_object(item, place)


def _claims_to_be_ours(raw: Mapping[str, Any]) -> bool:
    """By its group, or for want of one by its kind."""
    api_version = raw.get("apiVersion")
    if api_version is None:
        return raw.get("kind") in list(ConfigKind)
    return isinstance(api_version, str) and api_version.partition("/")[0] == _GROUP


def _is_secret(raw: Mapping[str, Any]) -> bool:
    return (raw.get("apiVersion"), raw.get("kind")) == ("v1", Kind.SECRET)


def _secret(raw: Mapping[str, Any], place: Place) -> Finding:
    """No error: the folder may be meant for kubectl, or hold the folder of secrets."""
    message = "a Secret among the manifests is refused by programs that read this folder"
    found = _finding(place, _name(raw), "kind", message, f"{NOT_IN_GIT[:1].upper()}{NOT_IN_GIT[1:]}.")
    return replace(found, severity=Severity.WARNING)


def _read_object(raw: Mapping[str, Any], place: Place) -> Iterator[Reading]:
    for field in raw.keys() - set(_FIELDS):
        yield _finding(place, _name(raw), str(field), "there is no such field", nearest(str(field), _FIELDS))
    api_version, written = raw.get("apiVersion"), raw.get("kind")
    if api_version != CONFIG_API_VERSION:
        message = "apiVersion is missing" if api_version is None else f"there is no {api_version}"
        yield _finding(place, _name(raw), "apiVersion", message, f"Write apiVersion: {CONFIG_API_VERSION}.")
        return
    kind = known_kind(CONFIG_API_VERSION, str(written))
    if kind is None:
        message = "kind is missing" if written is None else f"there is no kind {written} that people write"
        yield _finding(place, _name(raw), "kind", message, nearest(str(written), list(ConfigKind)))
        return
    try:
        identity = identify(kind, raw)
        manifest = decode(identity, raw)
    except NotDecodedError as error:
        hint = error.flaw.hint
        yield _finding(place, _name(raw), error.flaw.path, error.flaw.message, f"{hint[:1].upper()}{hint[1:]}.")
    else:
        if isinstance(manifest, ConfigManifest):
            yield LocatedObject(ConfigKey(ConfigKind(kind.value), identity[1].name), manifest.spec, place)


def _name(raw: Mapping[str, Any]) -> str:
    metadata = raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{raw.get('kind')}/{name}" if name else ""


def _finding(place: Place, name: str, path: str, message: str, hint: str) -> Finding:
    line = place.line_of(path)
    return Finding(file=place.file, document=place.document, line=line, object=name, path=path, message=message, hint=hint)
