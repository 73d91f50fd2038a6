"""Waiting ends with what was seen, or says what was seen last."""

import pytest

from herald.lab.waiting import until


async def test_the_first_true_answer_is_returned() -> None:
    answers = iter(["", "", "yes", "no"])
    assert await until(lambda: next(answers), 5, every_s=0) == "yes"


async def test_a_question_may_be_asynchronous() -> None:
    async def ask() -> int:
        return 7

    assert await until(ask, 5) == 7


async def test_the_last_answer_is_told_when_time_is_up() -> None:
    with pytest.raises(TimeoutError, match=r"0\.01 s; seen last: \[\]"):
        await until(list, 0.01, every_s=0.005)
