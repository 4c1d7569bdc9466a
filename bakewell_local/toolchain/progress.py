"""What set-up is doing, told on stderr in plain lines: the same on a terminal and in a CI log.

A piece of work says when it starts, when it ends and how long it took, and every 15 seconds in between where it is.
Work that turns out to be done already says nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 11
_one_line_at_a_time = threading.Lock()


def say(name: str, text: str, stream: TextIO | None = None) -> None:
    """Print `name | text` as one line that no other thread's line can break."""
    with _one_line_at_a_time:
        print(f"{name:<{_WIDTH}} | {text}", file=stream or sys.stderr, flush=True)


class Task:
    """A context manager around one piece of work; call it with a text to set what the next heartbeat says.

    Args:
        name: what the lines are prefixed with.
        doing: what the first line says.
        every: seconds between heartbeats.
    """

    def __init__(self, name: str, doing: str, *, every: float = 15.0, stream: TextIO | None = None) -> None:
        self._name, self._doing, self._every, self._stream = name, doing, every, stream
        self._detail = ""
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __call__(self, detail: str) -> None:
        self._detail = detail

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        say(self._name, self._doing, self._stream)
        self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._heart.join()
        seconds = time.monotonic() - self._begin
        say(self._name, f"{'done' if kind is None else 'failed'} after {seconds:.0f} s", self._stream)

    def _beat(self) -> None:
        while not self._over.wait(self._every):
            seconds = time.monotonic() - self._begin
            say(
                self._name, f"{self._doing}, {seconds:.0f} s{f', {self._detail}' if self._detail else ''}", self._stream
            )
