"""The lines of the state file: an object of the cluster, or what a part of the speaker remembers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from herald.kube.objects import (
    ConfigManifest,
    EndpointSlice,
    Kind,
    KubeObject,
    Node,
    Secret,
    Service,
    ServiceCIDR,
)

_TYPES: Mapping[str, type[KubeObject]] = {
    Kind.SERVICE: Service,
    Kind.ENDPOINT_SLICE: EndpointSlice,
    Kind.NODE: Node,
    Kind.SECRET: Secret,
    Kind.SERVICE_CIDR: ServiceCIDR,
    **{kind: ConfigManifest for kind in Kind if kind.is_config},
}


class Part(Protocol):
    """A part of the speaker whose past counts for its successor too.

    Times are of the monotonic clock, which is one clock for all processes of a boot.
    """

    @property
    def name(self) -> str:
        """In the file; of one word, and for ever."""

    def remember(self) -> object:
        """What msgspec can encode. Bounded."""

    def recall(self, said: msgspec.Raw) -> None:
        """Before the loop runs. Raises ValueError for what it never said."""


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind` of an object, or `part`, and its value."""

    value: msgspec.Raw
    kind: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What an earlier life left: the objects, and by the part's name what it said."""

    objects: tuple[KubeObject, ...] = ()
    parts: Mapping[str, msgspec.Raw] = field(default_factory=dict)


def kind_of(thing: KubeObject) -> Kind:
    return thing.kind if isinstance(thing, ConfigManifest) else Kind(type(thing).__name__)


def encode_object(thing: KubeObject) -> bytes:
    return _encode(_Line(msgspec.Raw(_encode(thing)), kind=kind_of(thing)))


def encode_part(part: Part) -> bytes:
    return _encode(_Line(msgspec.Raw(_encode(part.remember())), part=part.name))


def decode(lines: Iterable[bytes]) -> Remembered:
    """ValueError for lines that this version did not write. Kinds that it does not know are passed over."""
    objects: list[KubeObject] = []
    parts: dict[str, msgspec.Raw] = {}
    try:
        for line in map(_decoder.decode, lines):
            if line.part:
                parts[line.part] = line.value
            elif decoder := _DECODERS.get(line.kind):
                objects.append(decoder.decode(line.value))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    return Remembered(objects=tuple(objects), parts=parts)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Line)
_DECODERS = {kind: msgspec.json.Decoder(made) for kind, made in _TYPES.items()}
