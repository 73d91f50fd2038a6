from controller.event_budget import Budget


def taken(budget: Budget, tries: int, now: float) -> int:
    return sum(budget.take(now) for _ in range(tries))


def test_a_burst_then_so_many_a_second_and_what_is_saved_is_bounded() -> None:
    budget = Budget(burst=10, per_second=2.0)
    assert taken(budget, 100, 5.0) == 10
    assert taken(budget, 100, 6.0) == 2
    assert taken(budget, 100, 1006.0) == 10
