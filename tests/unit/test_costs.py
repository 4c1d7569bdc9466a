"""What a run of tests says that it cost."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.costs import PROPERTY, table


def reports(test: str, *, seconds: float, processor: float) -> list[pytest.TestReport]:
    """Those of one test, which waits in its set-up and works in its call."""

    def report(when: Literal["setup", "call", "teardown"], duration: float) -> pytest.TestReport:
        told = [("other", 1), (PROPERTY, processor)] if when == "teardown" else []
        return pytest.TestReport(
            test, (test, 1, test), {}, "passed", None, when, user_properties=told, duration=duration
        )

    return [report("setup", seconds / 2), report("call", seconds / 2), report("teardown", 0)]


def test_a_run_says_what_each_suite_and_its_dearest_files_cost() -> None:
    quick = [one for n in range(3) for one in reports(f"tests/unit/a/test_a.py::test_{n}", seconds=6, processor=12)]
    slow = reports("tests/e2e/test_b.py::test_b", seconds=120, processor=30)
    other = reports("tests/e2e/test_c.py::test_c[x::y]", seconds=60, processor=0)
    assert [line.split(maxsplit=2) for line in table([*quick, *slow, *other])] == [
        ["3.0", "0.5", "tests/e2e, 2 tests"],
        ["0.3", "0.6", "tests/unit, 3 tests"],
        ["2.0", "0.5", "tests/e2e/test_b.py, 1 tests"],
        ["1.0", "0.0", "tests/e2e/test_c.py, 1 tests"],
        ["0.3", "0.6", "tests/unit/a/test_a.py, 3 tests"],
    ]


def test_a_run_of_one_suite_has_nothing_to_compare() -> None:
    assert len(table(reports("tests/unit/test_a.py::test_a", seconds=6, processor=12))) == 1
