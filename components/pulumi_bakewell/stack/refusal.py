"""How expected errors end a Pulumi program: with their message, never with a traceback."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, ParamSpec, TypeVar

import pulumi
from pulumi.runtime.settings import SETTINGS

from bakewell.errors import BakewellError
from bakewell.masks import masked

_P = ParamSpec("_P")
_R = TypeVar("_R")
# The language host takes this status for "the user has been told why" and adds nothing of its own.
_ALREADY_TOLD = 32


@contextmanager
def refusals() -> Iterator[None]:
    """Context of a program's calls: a `BakewellError` ends the program with one error message.

    No resource is registered, because Pulumi registers resources after the program's last line has run. In a plugin,
    whose program runs in another process, the error is raised as a `pulumi.RunError`.
    """
    try:
        yield
    except BakewellError as error:
        message = masked(str(error))
        if not in_program():
            raise pulumi.RunError(message) from error
        pulumi.log.error(message)
        _leave()


def in_program() -> bool:
    """Whether this process runs the stack's program: a plugin has no stack of its own."""
    return pulumi.runtime.get_root_resource() is not None


def interrupts_in_silence() -> None:
    """Make SIGINT end the program without a traceback.

    Ctrl-C sends SIGINT; the engine sends it to a program that still waits when a resource has failed.
    """
    if not in_program() or threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGINT, lambda *_: _leave())
    # After the program's last line, Pulumi's event loop handles exceptions, and would show a traceback.
    asyncio.get_running_loop().call_soon(lambda: signal.signal(signal.SIGINT, lambda *_: os._exit(_ALREADY_TOLD)))


def _leave() -> NoReturn:
    _forget_what_was_scheduled()
    # What was scheduled and now never runs would be reported as never awaited.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
    sys.exit(_ALREADY_TOLD)


def _forget_what_was_scheduled() -> None:
    """Have nothing registered, the stack's outputs neither.

    Newer SDKs do what a program began, however it ends: an `up` that is refused would build images, and leave the stack
    without its record.
    """
    root = pulumi.runtime.get_root_resource()
    if root is not None:
        vars(root).update(outputs={}, register_outputs=lambda outputs: None)
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    for queue in (getattr(SETTINGS, "outputs", None), getattr(SETTINGS.rpc_manager, "rpcs", None)):
        if queue is not None:
            queue.clear()


def refusing(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorator for a function given to `Output.apply`: turns its `BakewellError`s into `pulumi.RunError`s.

    Such a function runs after the program's last line, outside of `refusals`.
    """

    @functools.wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except BakewellError as error:
            raise pulumi.RunError(masked(str(error))) from error

    return guarded
