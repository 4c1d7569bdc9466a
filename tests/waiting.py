"""Waiting in tests: for what should happen by itself, on a machine that may be very busy with other tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

T = TypeVar("T")

LONGEST = 300.0
"""Seconds after which something that should happen by itself is taken not to.

Long, for it says nothing about how fast a thing is: a test that hangs ends, and one that waits its turn goes on."""


def until(look: Callable[[], T], good: Callable[[T], bool] = bool, what: str = "", seconds: float = LONGEST) -> T:
    """Looks again and again, until what is seen is good; what was seen then.

    Raises:
        AssertionError: it did not become good in time; says what was seen last.
    """
    end = time.monotonic() + seconds
    while not good(seen := look()):
        assert time.monotonic() < end, f"{what or 'not there'}: still {seen!r} after {seconds:g} s"
        time.sleep(0.05)
    return seen


def eventually(what: str, holds: Callable[[], bool]) -> float:
    """Seconds until `holds()` is true.

    Raises:
        AssertionError: it did not become true in time.
    """
    begin = time.monotonic()
    until(holds, what=f"not so that {what}")
    return time.monotonic() - begin


def none_left(look: Callable[[], T]) -> T:
    """What `look` finds once it finds nothing more: deletions that were accepted take their time."""
    return until(look, lambda found: not found, "left")


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # also where it ends between two questions
        return True
