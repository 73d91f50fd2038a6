import msgspec
import pytest

from controller.reasons import PendingReason
from controller.word import ALL_IS_WELL, Word, condition, said_of
from herald.kube.objects import Condition, Service, ServiceStatus
from tests.unit.controller.build import lb

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
FULL = Word(PendingReason.POOLS_EXHAUSTED, "no address is free")


def saying(*conditions: Condition) -> Service:
    return msgspec.structs.replace(lb(), status=ServiceStatus(conditions=list(conditions)))


def test_what_a_condition_says_is_read_back() -> None:
    waiting = condition(lb(), has_vips=False, word=FULL, now=NOW)
    assert said_of(saying(waiting)) == FULL
    assert said_of(saying(condition(lb(), has_vips=True, word=None, now=NOW))) is None
    assert said_of(lb()) is None


def test_the_time_of_the_last_transition_stays_while_the_status_does() -> None:
    was = Condition(type="Assigned", status="False", reason="noPool", last_transition_time=THEN)
    assert condition(saying(was), has_vips=False, word=FULL, now=NOW).last_transition_time == THEN
    assert condition(saying(was), has_vips=True, word=None, now=NOW).last_transition_time == NOW


@pytest.mark.parametrize(
    ("has_vips", "word", "status"),
    [
        (True, None, "True"),
        (True, FULL, "True"),
        (False, FULL, "False"),
        (True, Word(PendingReason.DUPLICATE_ADDRESS, ""), "False"),
        (True, Word(PendingReason.OWNED_BY_ANOTHER, ""), "False"),
    ],
)
def test_it_is_true_when_the_service_has_vips_that_are_its_own(has_vips: bool, word: Word | None, status: str) -> None:  # noqa: FBT001 -- a parameter
    said = condition(lb(), has_vips=has_vips, word=word, now=NOW)
    assert said.status == status
    assert said.reason == (word.reason if word else ALL_IS_WELL)
