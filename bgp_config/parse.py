"""Says what one object means, or all that is wrong with it. Pure; knows no other object.

Every problem is found at once: each field and each item is judged by itself, whatever else is wrong.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bgp_config.explain import UNKNOWN_FIELD, explain
from bgp_config.kind import ConfigKind
from bgp_config.meaning import Meaning
from bgp_config.problem import Problem
from bgp_config.spec.advertisement import BGPAdvertisementSpec
from bgp_config.spec.base import DNS_SUBDOMAIN, ObjectSpec, Seen
from bgp_config.spec.bfd_profile import BFDProfileSpec
from bgp_config.spec.community import WELL_KNOWN, CommunitySpec
from bgp_config.spec.drain import DrainSpec
from bgp_config.spec.health_check import HealthCheckSpec
from bgp_config.spec.peer import BGPPeerSpec
from bgp_config.spec.pool import AddressPoolSpec

SPECS: Mapping[ConfigKind, type[ObjectSpec]] = {
    ConfigKind.ADDRESS_POOL: AddressPoolSpec,
    ConfigKind.BGP_PEER: BGPPeerSpec,
    ConfigKind.BGP_ADVERTISEMENT: BGPAdvertisementSpec,
    ConfigKind.COMMUNITY: CommunitySpec,
    ConfigKind.BFD_PROFILE: BFDProfileSpec,
    ConfigKind.HEALTH_CHECK: HealthCheckSpec,
    ConfigKind.DRAIN: DrainSpec,
}
_LONGEST_NAME = 253


class UnknownFields(StrEnum):
    """A newer client may write fields that this version lacks: a warning from the API, an error where a person reads it."""

    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Accepted:
    """`warnings` are unknown fields, which were ignored."""

    meaning: Meaning
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """`problems` is never empty."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


Parsed: TypeAlias = Accepted | Refused


def parse(
    kind: ConfigKind, name: str, spec: Mapping[str, object], unknown_fields: UnknownFields = UnknownFields.WARN
) -> Parsed:
    """Reads the `spec` of the object of this kind and name, as it came from JSON or YAML."""
    model = SPECS[kind]
    valid, errors = _validate(model, dict(spec))
    problems = _name_problems(kind, name)
    warnings: list[Problem] = []
    for error in errors:
        tolerated = error["type"] == UNKNOWN_FIELD and unknown_fields is UnknownFields.WARN
        (warnings if tolerated else problems).append(explain(error, model))
    if valid is None or problems:
        return Refused(tuple(problems), tuple(warnings))
    return Accepted(valid.meaning(name), tuple(warnings))


def _validate(model: type[ObjectSpec], spec: dict[str, object]) -> tuple[ObjectSpec | None, list[ErrorDetails]]:
    """The spec unless something other than unknown fields is wrong, and everything that is."""
    try:
        return model.model_validate(spec, context=Seen()), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    unknown = [error for error in errors if error["type"] == UNKNOWN_FIELD]
    if not unknown:
        return None, errors
    try:  # once more, since an object with an unknown field is not judged as a whole
        return model.model_validate(spec, context=Seen(), extra="ignore"), unknown
    except ValidationError as error:
        return None, [*error.errors(include_url=False), *unknown]


def _name_problems(kind: ConfigKind, name: str) -> list[Problem]:
    problems = []
    if len(name) > _LONGEST_NAME or not re.fullmatch(DNS_SUBDOMAIN, name):
        hint = f"Use at most {_LONGEST_NAME} lower-case letters, digits, '-' and '.'; start and end with a letter or digit."
        problems.append(Problem("metadata.name", f'"{name}" is not a name', hint))
    if kind is ConfigKind.COMMUNITY and name in WELL_KNOWN:
        hint = f"Choose another: in advertisements {name} always means {WELL_KNOWN[name]}."
        problems.append(Problem("metadata.name", f"{name} is a well-known community", hint))
    return problems
