"""A failure to clean up never hides why there was something to clean up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bakewell.cleanup import followed_by, undone_by
from bakewell.errors import BakewellError

Cleaning = Callable[[Callable[[], object]], AbstractContextManager[None]]


def fail() -> None:
    raise OSError("removal is already in progress")


@pytest.mark.parametrize("cleaning", [followed_by, undone_by])
def test_the_first_error_is_raised_and_the_second_one_told(cleaning: Cleaning) -> None:
    with pytest.raises(BakewellError) as raised, cleaning(fail):
        raise BakewellError("the disk is full", remedy="free some")
    assert str(raised.value) == (
        "the disk is full\n  remedy: free some\n  cleaning up failed as well: removal is already in progress"
    )


@pytest.mark.parametrize(("cleaning", "calls"), [(followed_by, 1), (undone_by, 0)])
def test_after_success_only_what_always_follows_is_called(cleaning: Cleaning, calls: int) -> None:
    called: list[None] = []
    with cleaning(lambda: called.append(None)):
        assert called == []
    assert len(called) == calls


def test_an_interrupted_block_is_cleaned_up_once() -> None:
    called: list[None] = []
    with pytest.raises(KeyboardInterrupt), followed_by(lambda: called.append(None)):
        raise KeyboardInterrupt
    assert called == [None]


def test_a_clean_up_that_fails_after_success_is_an_error() -> None:
    with pytest.raises(OSError, match="already in progress"), followed_by(fail):
        pass
