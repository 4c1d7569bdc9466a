"""What a run of tests costs: minutes of each suite and of the dearest files, told at the end of a run of several.

Minutes are those of pytest's workers, several of which run at once, set-up and tear-down included. Processor minutes
are those of a worker and of the processes that it started and waited for: what machines, local clouds and the Docker
Engine take is in neither. The functions with names in `pytest_` are hooks; tests/conftest.py registers this module.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import pytest

PROPERTY = "processor seconds"
DEAREST = 15
"""So many files are named one by one."""

_begun = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one test took, or several.

    Attributes:
        seconds: of a worker.
        processor: seconds of processors.
    """

    tests: int = 0
    seconds: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tests + other.tests, self.seconds + other.seconds, self.processor + other.processor)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Begin the account of a test."""
    global _begun
    _begun = _processor()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have the last report of a test say what the test took of the processors."""
    report = yield
    if call.when == "teardown":
        report.user_properties = [*report.user_properties, (PROPERTY, _processor() - _begun)]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the costs, where more than one suite ran."""
    reports = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    told = table(reports)
    if len(told) > 1:
        terminalreporter.section("what it cost: minutes of pytest's workers, and of processors")
        for line in told:
            terminalreporter.line(line)


def table(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each suite (tests/<suite>/), then for each of the DEAREST files, the dearest first. For a single suite
    its line alone.
    """
    suites: dict[str, Cost] = {}
    files: dict[str, Cost] = {}
    for report in reports:
        processor = sum(float(str(told)) for name, told in report.user_properties if name == PROPERTY)
        cost = Cost(report.when == "call", report.duration, processor if report.when == "teardown" else 0.0)
        file = report.nodeid.partition("::")[0]
        for costs, name in ((suites, "/".join(file.split("/")[:2])), (files, file)):
            costs[name] = costs.get(name, Cost()) + cost
    dearest = sorted(files.items(), key=lambda item: -item[1].seconds)[:DEAREST] if len(suites) > 1 else []
    rows = [*sorted(suites.items(), key=lambda item: -item[1].seconds), *dearest]
    return [f"{cost.seconds / 60:7.1f} {cost.processor / 60:7.1f}  {name}, {cost.tests} tests" for name, cost in rows]


def _processor() -> float:
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system
