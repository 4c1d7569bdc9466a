"""Being told to stop: SIGINT and SIGTERM as a question that code asks where stopping is safe.

A signal handler that raises would end a build between creating a thing and writing down that it exists. So the
handler only notes the signal and calls whoever asked to be called; waits and steps raise `Interrupted`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bakewell.errors import Interrupted


class Stop:
    """Whether this process was told to stop. Shared by the threads that build."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._calls: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Tell everybody to stop; a second time changes nothing."""
        self._asked.set()
        for call in list(self._calls):
            call()

    def check(self) -> None:
        """Raise Interrupted if told to stop."""
        if self.asked:
            raise Interrupted(
                "interrupted", remedy="run it again: what was built is adopted, what was begun is removed"
            )

    def sleep(self, seconds: float) -> None:
        """Wait, at most until told to stop, which raises Interrupted."""
        self._asked.wait(seconds)
        self.check()

    @contextmanager
    def calls(self, call: Callable[[], None]) -> Iterator[None]:
        """Have `call` called when told to stop (at once, if that was before)."""
        self._calls.append(call)
        try:
            if self.asked:
                call()
            yield
        finally:
            self._calls.remove(call)

    @contextmanager
    def on_signals(self) -> Iterator[Stop]:
        """Ask on SIGINT and SIGTERM; a second signal then ends the process as it would have without this."""

        def handler(number: int, frame: FrameType | None) -> None:
            del frame
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
            self.ask()

        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, old in before.items():
                signal.signal(number, old)
