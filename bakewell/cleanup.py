"""Cleaning up without hiding why: the first error counts, and a failure to clean up is told beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def undone_by(undo: Callable[[], object]) -> Iterator[None]:
    """Where the block fails, call `undo`. The block's error is raised; one of `undo` becomes a note of it."""
    try:
        yield
    except BaseException as error:
        _call(undo, error)
        raise


@contextmanager
def followed_by(clean: Callable[[], object]) -> Iterator[None]:
    """Call `clean` after the block, whether or not that fails. Where both fail, the block's error is raised, and the
    other one becomes a note of it.
    """
    with undone_by(clean):
        yield
    clean()


def _call(clean: Callable[[], object], error: BaseException) -> None:
    try:
        clean()
    except Exception as second:
        error.add_note(f"cleaning up failed as well: {str(second) or type(second).__name__}")
