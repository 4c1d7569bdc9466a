"""The kernel's limit on machines at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell_local.sandbox.machines import limits


@pytest.mark.parametrize(("before", "after", "told"), [(128, 1024, True), (1024, 1024, False), (8192, 8192, False)])
def test_a_low_limit_is_raised_and_said(before: int, after: int, told: bool, tmp_path: Path) -> None:
    limit = tmp_path / "limit"
    limit.write_text(f"{before}\n")
    said: list[str] = []
    limits.allow_enough(said.append, limit)
    assert int(limit.read_text()) == after
    assert bool(said) is told


def test_where_there_is_no_such_limit_nothing_happens(tmp_path: Path) -> None:
    said: list[str] = []
    limits.allow_enough(said.append, tmp_path / "missing")
    assert said == []
    assert list(tmp_path.iterdir()) == []
