"""Label selectors as users write them, with the shape, bounds and meaning of metav1.LabelSelector."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from bgp_config.selector import LabelSelector, Operator, Requirement
from bgp_config.spec.base import Spec, refusal
from bgp_config.spec.cel import Cel

LABEL_KEY = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"

_MAX_KEY = 317
LabelKey = Annotated[str, Field(min_length=1, max_length=_MAX_KEY, pattern=LABEL_KEY)]
_LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]
_LabelMap = Annotated[
    dict[LabelKey, _LabelValue],
    Field(max_length=64),
    Cel(
        f"self.all(key, key.size() <= {_MAX_KEY} && key.matches(r'{LABEL_KEY}'))",
        "keys must be [prefix/]name of letters, digits, '-', '_' and '.'",
    ),
]
_VALUED = frozenset({Operator.IN, Operator.NOT_IN})


class RequirementSpec(Spec):
    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "In and NotIn need values, Exists and DoesNotExist take none",
        ),
    )

    key: LabelKey = Field(description="The label's key.")
    operator: Annotated[Operator, Field(strict=False)] = Field(description="In, NotIn, Exists or DoesNotExist.")
    values: list[_LabelValue] | None = Field(None, max_length=64, description="For In and NotIn: at least one value.")

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> "RequirementSpec":
        if self.operator in _VALUED and not self.values:
            raise refusal(f"{self.operator} has no values", "List at least one value, or use Exists or DoesNotExist.")
        if self.operator not in _VALUED and self.values:
            raise refusal(f"{self.operator} takes no values", "Remove values, or use In or NotIn.")
        return self

    def meaning(self) -> Requirement:
        return Requirement(self.key, self.operator, frozenset(self.values or ()))


class SelectorSpec(Spec):
    match_labels: _LabelMap | None = Field(None, description="Labels that must all be there with these values.")
    match_expressions: list[RequirementSpec] | None = Field(
        None, max_length=64, description="Conditions that must all hold."
    )

    def meaning(self) -> LabelSelector:
        """In an order of its own, so that equal meanings are equal values."""
        requirements = {Requirement(key, Operator.IN, frozenset({v})) for key, v in (self.match_labels or {}).items()}
        requirements |= {expression.meaning() for expression in self.match_expressions or ()}
        return LabelSelector(tuple(sorted(requirements, key=_order)))


SelectorList = Annotated[list[SelectorSpec], Field(min_length=1, max_length=64)]
"""Alternatives. Absent means all; an empty list is refused, since it could be read as all or as none."""


def selectors_meaning(selectors: list[SelectorSpec] | None) -> tuple[LabelSelector, ...] | None:
    if selectors is None:
        return None
    return tuple(sorted({selector.meaning() for selector in selectors}, key=lambda s: list(map(_order, s.requirements))))


def _order(requirement: Requirement) -> tuple[str, Operator, list[str]]:
    return requirement.key, requirement.operator, sorted(requirement.values)
