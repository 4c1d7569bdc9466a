"""Waiting for what was ordered, as Terraform's SDK and the real providers do: the same looks, limits and errors.

The pauses before and between looks are the real ones, scaled (`pace`); a limit is as long as it says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from math import inf
from threading import Event

from bakewell_local.sandbox.providers import pace
from bakewell_local.sandbox.providers.server import Operation, Properties

_PAUSES, _LAST_PAUSE = (10.0, 3.0, 6.0), 10.0
"""Seconds before the first look, and the next; then before each further one."""
_NOT_FOUND_CHECKS = 60

Look = Callable[[], str | None]
"""What is there now: the name of a state; None for nothing that counts, an object that is not there, say."""


class WaitError(Exception):
    """What was waited for did not come to be."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a look should say, and what it may say until then.

    Attributes:
        pending: empty where any other state is waited through.
        timeout: seconds from the first pause on; the operation's own limit counts, too.
        not_found_checks: after how many looks in a row that saw nothing it is given up.
    """

    target: str
    pending: tuple[str, ...] = ()
    timeout: float = inf
    not_found_checks: int = _NOT_FOUND_CHECKS


class Patience:
    """How long one operation goes on waiting: for as long as the engine does, and until its deadline. One without an
    operation waits whether or not the engine is still there.

    Attributes:
        limit: seconds that the operation may take.
        seen: what the last look saw of the resource itself, as it is recorded where the operation fails.
        last_error: what the cloud said about the last look, if anything.
    """

    def __init__(self, op: Operation | None = None, limit: float = inf, *, deadline: bool = True) -> None:
        self.limit = limit
        self.seen: Properties = {}
        self.last_error = ""
        self._until = time.monotonic() + (limit if deadline else inf)
        self._hung_up = Event()
        if op is not None and not op.on_hang_up(self._hung_up.set):
            self._hung_up.set()

    def wait_for(self, look: Look, wanted: Wait) -> None:
        """Look until the target is seen.

        Raises:
            WaitError: another state than those wanted; nothing was seen too often; a limit has passed; the engine has
                hung up.
            Exception: of `look`.
        """
        until = time.monotonic() + wanted.timeout
        unseen, state = 0, None
        for pause in chain(_PAUSES, repeat(_LAST_PAUSE)):
            self._pause(pace.scaled(pause), wanted, until, state)
            state = look()
            if state == wanted.target:
                return
            unseen = unseen + 1 if state is None else 0
            if unseen > wanted.not_found_checks:
                raise WaitError(f"couldn't find resource ({unseen} retries)")
            if state is not None and wanted.pending and state not in wanted.pending:
                told = f"unexpected state '{state}', wanted target '{wanted.target}'"
                raise WaitError(f"{told}. last error: {self.last_error or '%!s(<nil>)'}")

    def _pause(self, seconds: float, wanted: Wait, until: float, state: str | None) -> None:
        left = min(self._until, until) - time.monotonic()
        if self._hung_up.wait(min(seconds, max(0.0, left))):
            raise WaitError("context canceled")
        if seconds < left:
            return
        if self._until <= until:
            raise WaitError("context deadline exceeded")
        last = f"last state: '{state}', " if state else ""
        limit = duration(wanted.timeout)
        raise WaitError(f"timeout while waiting for state to become '{wanted.target}' ({last}timeout: {limit})")


def duration(seconds: float) -> str:
    """As Go writes it: `1m30s`, `2s`, `1h0m0s`, `1.5s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    above = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{above}{rest:g}s"
