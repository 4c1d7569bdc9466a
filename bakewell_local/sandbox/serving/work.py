"""What takes time: jobs with machines, after which a record changes, no sooner than an action takes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from bakewell_local.sandbox.machines import MachineError
from bakewell_local.sandbox.serving.faults import DOOM

log = logging.getLogger(__name__)


class Work:
    """Jobs done in the background; those of one subject one after another, in the order they were begun.

    Args:
        seconds: how long a job takes at least; more than 0. Tests change it.

    Attributes:
        stopping: set once the server ends.
    """

    def __init__(self, seconds: float) -> None:
        if seconds <= 0:
            raise ValueError("seconds must be more than 0: no cloud acts at once")
        self.seconds = seconds
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="work")

    def begin(
        self,
        subject: str,
        done: Callable[[], None],
        failed: Callable[[str], None],
        job: Callable[[], None] = lambda: None,
    ) -> None:
        """Has `job` done, then `done` called; `failed`, with the reason, if it raises a MachineError.

        Begun under a fault rule that dooms it, it fails without being done.
        """
        doomed = DOOM.get()

        def perform() -> None:
            until = time.monotonic() + self.seconds
            settle = done
            try:
                if doomed is not None:
                    raise MachineError(f"{doomed} (fault rule)")
                job()
            except MachineError as error:
                log.error("%s: %s", subject, error)
                reason = error.what

                def settle() -> None:
                    failed(reason)

            if not self.pause(until - time.monotonic()):
                settle()

        self.queue(subject, perform)

    def queue(self, subject: str, perform: Callable[[], None]) -> None:
        """Has something done in its turn, without a time of its own."""
        with self._lock:
            if subject in self._waiting:
                self._waiting[subject].append(perform)
                return
            self._waiting[subject] = deque([perform])
        with suppress(RuntimeError):  # the server is ending
            self._pool.submit(self._drain, subject)

    def pause(self, seconds: float) -> bool:
        """Waits; True if the server ends meanwhile."""
        return self.stopping.wait(max(seconds, 0))

    def idle(self) -> bool:
        """Whether nothing is under way."""
        with self._lock:
            return not self._waiting

    def close(self) -> None:
        """Ends it; what has not begun never will."""
        self.stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _drain(self, subject: str) -> None:
        while not self.stopping.is_set():
            with self._lock:
                if not self._waiting[subject]:
                    del self._waiting[subject]
                    return
                perform = self._waiting[subject].popleft()
            try:
                perform()
            except Exception:  # the last frame of a thread: log what would otherwise vanish in a future
                log.exception("%s", subject)
