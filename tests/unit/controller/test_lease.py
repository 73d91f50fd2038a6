from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.lease import Candidate, Terms
from herald.kube.api import LeaseSpec

TERMS = Terms(15.0)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = LeaseSpec()


def other(renewed: str = "1", duration_s: int = 15) -> LeaseSpec:
    return LeaseSpec(holder_identity="b", lease_duration_seconds=duration_s, acquire_time="0", renew_time=renewed)


def leader(at: float = 100.0) -> tuple[Candidate, LeaseSpec]:
    candidate = Candidate("a", TERMS)
    candidate.saw(NOBODY, at)
    claim = candidate.claim(at, NOW)
    assert claim
    candidate.granted(claim, at)
    return candidate, claim


def test_a_lease_that_nobody_holds_is_claimed_at_once() -> None:
    candidate, claim = leader()
    assert (claim.holder_identity, claim.lease_duration_seconds, claim.lease_transitions) == ("a", 15, 1)
    assert candidate.leads(100.0)


def test_it_leads_from_when_it_asked_until_the_deadline_and_no_longer_whatever_it_hears() -> None:
    candidate, _ = leader(at=100.0)
    assert candidate.leads(109.9)
    assert not candidate.leads(110.0)


def test_renewed_it_leads_on_and_keeps_the_time_of_its_acquisition() -> None:
    candidate, first = leader(at=100.0)
    again = candidate.claim(108.0, NOW + timedelta(seconds=8))
    assert again
    assert (again.acquire_time, again.lease_transitions) == (first.acquire_time, 1)
    candidate.granted(again, 108.0)
    assert candidate.leads(117.9)


def test_another_s_lease_is_taken_only_after_it_was_seen_unchanged_for_its_whole_duration() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(other("1"), 100.0)
    candidate.saw(other("2"), 110.0)
    candidate.saw(other("2"), 124.0)
    assert candidate.claim(124.9, NOW) is None
    claim = candidate.claim(125.0, NOW)
    assert claim
    assert claim.holder_identity == "a"


def test_of_two_durations_the_longer_counts() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(other(duration_s=60), 100.0)
    assert candidate.claim(159.0, NOW) is None
    assert candidate.claim(160.0, NOW)


def test_times_of_day_mean_nothing() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(other("2000-01-01T00:00:00.000000Z"), 100.0)
    assert candidate.claim(101.0, NOW) is None


def test_a_lease_of_its_own_name_from_an_earlier_life_is_another_s() -> None:
    _, earlier = leader()
    candidate = Candidate("a", TERMS)
    candidate.saw(earlier, 200.0)
    assert candidate.claim(201.0, NOW) is None


def test_a_claim_whose_answer_was_lost_is_its_own() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(NOBODY, 100.0)
    claim = candidate.claim(100.0, NOW)
    assert claim
    assert not candidate.leads(100.0)
    candidate.saw(claim, 104.0)
    assert candidate.claim(104.0, NOW)


def test_it_leads_no_longer_once_it_sees_another_holder() -> None:
    candidate, _ = leader(at=100.0)
    candidate.saw(other(), 101.0)
    assert not candidate.leads(101.0)
    assert candidate.holder == "b"


def test_released_it_is_held_by_nobody_and_the_next_one_need_not_wait() -> None:
    candidate, _ = leader(at=100.0)
    released = candidate.release(NOW)
    assert not candidate.leads(100.0)
    successor = Candidate("b", TERMS)
    successor.saw(released, 101.0)
    claim = successor.claim(101.0, NOW)
    assert claim
    assert claim.lease_transitions == 2


@pytest.mark.parametrize("duration_s", [1.0, 15.0, 60.0])
def test_a_leader_has_time_to_try_again_and_stops_before_others_may_start(duration_s: float) -> None:
    terms = Terms(duration_s)
    assert terms.deadline_s < terms.duration_s
    assert 4 * terms.renew_s < terms.deadline_s
    assert terms.call_s < terms.deadline_s


@dataclass
class Store:
    """The Lease at the server, and who leads, at one time of one clock that runs for all."""

    spec: LeaseSpec = NOBODY
    now: float = 0.0
    candidates: list[Candidate] = field(default_factory=lambda: [Candidate(name, TERMS) for name in "aab"])
    sent: list[tuple[Candidate, LeaseSpec, LeaseSpec, float]] = field(default_factory=list)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["look", "send", "land", "lose", "wait"]), st.integers(0, 2)), max_size=80))
def test_never_do_two_lead_at_a_time(steps: list[tuple[str, int]]) -> None:
    """Also two of one name, and whatever answers come late or never."""
    store = Store()
    for step, who in steps:
        candidate = store.candidates[who]
        match step:
            case "look":
                candidate.saw(store.spec, store.now)
            case "send":
                seen = candidate._seen
                claim = candidate.claim(store.now, NOW + timedelta(seconds=store.now, microseconds=who))
                if claim and seen is not None:
                    store.sent.append((candidate, seen, claim, store.now))
            case "land" | "lose" if store.sent:
                sender, seen, claim, asked_at = store.sent.pop(0)
                if store.spec == seen:  # resourceVersion: only over what was seen
                    store.spec = claim
                    if step == "land":
                        sender.granted(claim, asked_at)
            case "wait":
                store.now += 4.0
        assert sum(each.leads(store.now) for each in store.candidates) <= 1
