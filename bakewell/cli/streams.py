"""stdin and stdout as a command finds them: closed, full, or with nobody who reads. stderr is `stderr`'s."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bakewell.errors import BakewellError


def fill() -> None:
    """Open those of the three that the caller has closed.

    Else the next file that is opened, a lock or a log, takes the number of stdout, and is printed into. What is written
    to a closed stdout still fails, as it does in any other program.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale without our letters ends no command


@contextmanager
def printing() -> Iterator[None]:
    """Around writing to stdout.

    Raises:
        BrokenPipeError: nobody reads it any more.
        BakewellError: it is closed, or on a full disk.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        abandon()
        raise
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> BakewellError:
    """The error for a stdout that takes nothing; what it was to take is dropped."""
    abandon()
    return BakewellError(
        f"stdout cannot be written: {error.strerror}",
        remedy="leave it open, and on a disk with space; what the command did is done all the same",
    )


def abandon() -> None:
    """Have what is left in stdout's buffer go nowhere, for Python writes it once more when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
