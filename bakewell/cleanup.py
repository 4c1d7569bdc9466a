"""Clean-up that does not hide the first error: a failure of the clean-up is added to that error as a note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def undone_by(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` if the block fails. The block's error is raised; an error of `undo` becomes a note of it."""
    try:
        yield
    except BaseException as error:
        _call(undo, error)
        raise


@contextmanager
def followed_by(clean: Callable[[], object]) -> Iterator[None]:
    """Call `clean` after the block, whether or not the block fails. If both fail, the block's error is raised, and the
    error of `clean` becomes a note of it.
    """
    with undone_by(clean):
        yield
    clean()


def _call(clean: Callable[[], object], error: BaseException) -> None:
    try:
        clean()
    except Exception as second:
        error.add_note(f"cleaning up failed as well: {str(second) or type(second).__name__}")
