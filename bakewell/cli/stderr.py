"""stderr that never fails: what is said to people must not decide what becomes of a command.

The disk that a log of ours is kept on can be full, a terminal can go away, a reader can end. Then the words are lost,
and the command goes on to its own end and exit status. stdout is another matter: it is what was asked for.
"""

from __future__ import annotations

import io
import os
import sys

_STDERR = 2


class _Unfailing(io.FileIO):
    """Writes to a file descriptor as far as that can be done."""

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]
        length = len(data)
        try:
            written = super().write(data)
        except OSError:
            return length
        return length if written is None else written  # None: nobody reads, and it does not block


def install() -> None:
    """Have `sys.stderr` lose what cannot be written, for everything in this process: print, logging, rich, click."""
    try:
        os.fstat(_STDERR)
    except OSError:  # closed: without something in its place, the next file that is opened would become stderr
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDERR)
        os.set_inheritable(_STDERR, True)
    raw = io.BufferedWriter(_Unfailing(_STDERR, "w", closefd=False), 1)
    encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
    sys.stderr = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", line_buffering=True)
