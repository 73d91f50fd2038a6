"""Rules that hold for every test: none is skipped, the ones that measure time run last, labs need root."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

FRR_BGPD = Path("/usr/lib/frr/bgpd")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Soak tests run only when asked for; what measures time comes after all else, so that it has the machine alone."""
    if "soak" not in str(config.option.markexpr):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    items.sort(key=lambda item: item.get_closest_marker("timing") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say once what the lab lacks, instead of once per test."""
    if session.config.option.collectonly or not any(item.get_closest_marker("lab") for item in session.items):
        return
    if os.geteuid() != 0:
        raise pytest.UsageError("tests marked 'lab' make network namespaces and need root: use ./run test, or -m 'not lab'")
    if not FRR_BGPD.exists():
        raise pytest.UsageError(f"tests marked 'lab' run FRR, and {FRR_BGPD} is not there: use ./run setup")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that does not run proves nothing: a skip is a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So is the skip of a whole module."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure: {report.longrepr}"
    return report
