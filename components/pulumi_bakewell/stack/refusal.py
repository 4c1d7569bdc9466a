"""How expected errors end a Pulumi program: with their message, never with a traceback."""

from __future__ import annotations

import functools
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pulumi

from bakewell.errors import BakewellError
from bakewell.masks import masked

_P = ParamSpec("_P")
_R = TypeVar("_R")
# The language host takes this status for "the user has been told why" and adds nothing of its own.
_ALREADY_TOLD = 32


@contextmanager
def refusals() -> Iterator[None]:
    """Around the whole program: a `BakewellError` ends it with one error message; nothing is registered after that.

    Ctrl-C, and the engine's own SIGINT to a program that still waits when a resource has failed, end it in silence.
    """
    try:
        yield
    except (BakewellError, KeyboardInterrupt) as error:
        if isinstance(error, BakewellError):
            pulumi.log.error(masked(str(error)))
        # What was scheduled and now never runs would be reported as never awaited.
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        sys.exit(_ALREADY_TOLD)
    # From here on only Pulumi's event loop runs, and that shows a KeyboardInterrupt with its traceback.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_ALREADY_TOLD))


def refusing(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Around a function given to `Output.apply`: its `BakewellError`s become `pulumi.RunError`s.

    They are raised long after the program's last line, where `refusals` no longer reaches.
    """

    @functools.wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except BakewellError as error:
            raise pulumi.RunError(masked(str(error))) from error

    return guarded
