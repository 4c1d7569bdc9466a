"""Runs a call in the background until its result is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def in_background(ask: Callable[[], _T]) -> Future[_T]:
    """Call `ask` in a daemon thread, so that a process that fails or is interrupted meanwhile ends at once.

    Waiting for the result raises the exception of `ask`.
    """
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return answer
