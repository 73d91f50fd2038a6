"""What all specs share: strictness, names, and how a rule of our own refuses a value.

Values are taken as JSON has them: "179" is not a number. A field is given or absent, never null.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from bgp_config.config import AddressRange
from bgp_config.meaning import Meaning
from bgp_config.parser_only import ParserOnly
from bgp_config.spec.cel import Cel, with_rules

RULE = "herald_rule"
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def refusal(message: str, hint: str, parser_only: ParserOnly | None = None) -> PydanticCustomError:
    """To be raised by a validator. `message` says what is wrong with the value, `hint` is a sentence with the remedy.

    Without `parser_only` the same is said to API servers, as a `Cel` or by bounds.
    """
    return PydanticCustomError(RULE, "{message}", {"message": message, "hint": hint, "parser_only": parser_only})


@dataclass
class Seen:
    """What earlier items of the lists of one object said; the context of its validation. A fresh one per object."""

    items: set[tuple[str | None, str]] = field(default_factory=set)
    ranges: list[tuple[AddressRange, str]] = field(default_factory=list)


class Spec(BaseModel):
    """An object with named fields, at any depth."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True, extra="forbid")

    rules: ClassVar[tuple[Cel, ...]] = ()
    """What the validators check across fields, for API servers."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return with_rules(handler.resolve_ref_schema(handler(core_schema)), cls.rules)

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise refusal("has no value", "Leave the field out or give it a value.")
        return value


class ObjectSpec(Spec, ABC):
    """The whole `spec` of one kind."""

    @abstractmethod
    def meaning(self, name: str) -> Meaning:
        """What an accepted spec of the object of this name means."""


def require_one_of_each(spec: Spec, alternatives: Iterable[tuple[str, str]]) -> None:
    """Of each two fields, by their JSON names, exactly one is to be given. Raises all that is wrong, each at its field."""
    given = {field.alias or name for name, field in type(spec).model_fields.items() if getattr(spec, name) is not None}
    errors: list[InitErrorDetails] = []
    for one, other in alternatives:
        if one in given and other in given:
            error = refusal(f"stands beside {one}", f"Give either {one} or {other}.")
            errors.append(InitErrorDetails(type=error, loc=(other,), input=None))
        elif one not in given and other not in given:
            errors.append(InitErrorDetails(type="missing", loc=(one,), input=None))
    if errors:
        raise ValidationError.from_exception_data(type(spec).__name__, errors)


def _distinct(value: str, info: ValidationInfo[Seen]) -> str:
    seen = info.context
    if (info.field_name, value) in seen.items:
        raise refusal(f'"{value}" is listed twice', "Remove one of the two.")
    seen.items.add((info.field_name, value))
    return value


Distinct = AfterValidator(_distinct)
"""For the items of a list that is a set, beside `IsSet` for the list."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
NamespaceName = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)]
