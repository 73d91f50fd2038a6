"""What a Service's condition Assigned says: that it has its VIPs, or why not. Pure.

In a directory there are no conditions; the same word is then in the status file.
"""

from typing import NamedTuple

import msgspec

from controller.reasons import PendingReason
from herald.kube.objects import Condition, Service

ASSIGNED = "Assigned"
"""The type of the condition."""
ALL_IS_WELL = "assigned"
"""Its reason when the Service has what it asks for."""
NOT_ITS_OWN = frozenset({PendingReason.OWNED_BY_ANOTHER, PendingReason.DUPLICATE_ADDRESS})


class Word(NamedTuple):
    """Why a Service has no VIP, or not the one that it asks for."""

    reason: str
    message: str


def said_of(service: Service) -> Word | None:
    """None when its condition says that all is well, or nothing."""
    said = _condition(service)
    return Word(said.reason, said.message) if said and said.reason != ALL_IS_WELL else None


def condition(service: Service, *, has_vips: bool, word: Word | None, now: str) -> Condition:
    """The condition as it shall be; `lastTransitionTime` stays while its status does."""
    reason, message = word or Word(ALL_IS_WELL, "")
    status = "True" if has_vips and reason not in NOT_ITS_OWN else "False"
    before = _condition(service)
    since = before.last_transition_time if before and before.status == status else now
    return Condition(type=ASSIGNED, status=status, reason=reason, message=message, last_transition_time=since)


def is_signed(service: Service) -> bool:
    """Whether Herald has written anything to its status: never without the condition."""
    return _condition(service) is not None


def unsigned(service: Service) -> Service:
    conditions = [each for each in service.status.conditions if each.type != ASSIGNED]
    return msgspec.structs.replace(service, status=msgspec.structs.replace(service.status, conditions=conditions))


def _condition(service: Service) -> Condition | None:
    return next((each for each in service.status.conditions if each.type == ASSIGNED), None)
