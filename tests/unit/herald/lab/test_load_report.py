"""A load's results are counted without mixing who got no service with who lost it."""

import msgspec

from herald.lab.load_report import Connection, LoadReport, Outcome, Result


def result(outcome: Outcome, at: float = 1.0, node: str = "", vip: str = "198.51.100.1") -> Result:
    return Result(at=at, took_s=0.001, vip=vip, outcome=outcome, node=node)


REPORT = LoadReport(
    (
        result(Outcome.ANSWERED, at=1, node="node1"),
        result(Outcome.ANSWERED, at=2, node="node2"),
        result(Outcome.ANSWERED, at=3, node="node1", vip="198.51.100.2"),
        result(Outcome.FAILED, at=4),
        result(Outcome.RESET, at=5),
        result(Outcome.RESET, at=6),
    )
)


def test_failed_and_reset_are_counted_apart() -> None:
    assert (REPORT.requests, REPORT.failed, REPORT.reset) == (6, 1, 2)


def test_only_answers_count_for_a_node() -> None:
    assert REPORT.by_node == {"node1": 2, "node2": 1}


def test_failures_are_all_that_was_not_answered_with_their_time() -> None:
    assert [failure.at for failure in REPORT.failures] == [4, 5, 6]


def test_a_span_of_time_includes_its_begin_and_not_its_end() -> None:
    assert [one.at for one in REPORT.between(2, 4).results] == [2, 3]


def test_one_vip_can_be_looked_at_alone() -> None:
    assert REPORT.to("198.51.100.2").requests == 1


def test_a_report_is_read_back_as_it_was_written() -> None:
    held = Result(at=7.5, took_s=1, vip="::1", outcome=Outcome.FAILED, connection=Connection.HELD, why="HTTP 503")
    written = [msgspec.json.encode(one) for one in (*REPORT.results, held)]
    assert LoadReport.parse(written).results == (*REPORT.results, held)
