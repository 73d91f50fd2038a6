"""What all statuses share: bounded scalars, and how a value is brought within their bounds."""

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

MAX_TEXT = 1024
MAX_NUMBER = 2**53 - 1
"""Of what JSON can say exactly. An API server compares bounds as floating point: 2^63 - 1 as one would refuse everything."""

Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT)]
"""For people. See `clip`."""
Word: TypeAlias = Annotated[str, Meta(max_length=316)]
"""A name, a reason, an address: one word for machines."""
Number: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
"""What is larger (an IPv6 pool may be) is written as the maximum."""
ASNumber: TypeAlias = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Time: TypeAlias = Annotated[datetime, Meta(tz=True)]


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An object with named fields, at any depth. What has its default is not written."""


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """The text, or as much of it as fits."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
