"""A call whose answer is not needed yet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def in_background(ask: Callable[[], _T]) -> Future[_T]:
    """`ask` in a thread that keeps no process alive: whoever is refused, or interrupted, meanwhile ends at once.

    What it raises is raised again by whoever waits for the answer.
    """
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return answer
