"""Rules that hold for every test: none is skipped, the ones that measure time run last, labs need root and go away."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

pytest_plugins = ["tests.api_server"]

FRR_BGPD = Path("/usr/lib/frr/bgpd")


def pytest_configure() -> None:
    """A run that is told to end ends as by Ctrl-C: fixtures still take their labs down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Soak tests run only when asked for; what measures time comes after all else, so that it has the machine alone."""
    if "soak" not in str(config.option.markexpr):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    items.sort(key=lambda item: item.get_closest_marker("timing") is not None)
    for item in items:
        # Real routers on a machine that others use too: a claim that fails must fail twice. The summary counts reruns.
        # What is to hold for long has to hold at the first go.
        is_real = item.get_closest_marker("lab") or item.get_closest_marker("timing")
        if is_real and not item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say once what the lab lacks, instead of once per test."""
    if session.config.option.collectonly or not any(item.get_closest_marker("lab") for item in session.items):
        return
    if os.geteuid() != 0:
        raise pytest.UsageError("tests marked 'lab' make network namespaces and need root: use ./run test, or -m 'not lab'")
    if not FRR_BGPD.exists():
        raise pytest.UsageError(f"tests marked 'lab' run FRR, and {FRR_BGPD} is not there: use ./run setup")


def count_skip_as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A test that does not run proves nothing. (An expected failure did run.)"""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    count_skip_as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    count_skip_as_failure(report)
    return report
