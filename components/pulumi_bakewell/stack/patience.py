"""Stops older Pulumi SDKs from busy-waiting.

Older SDKs poll their outputs in a loop without a pause (`pulumi.runtime.stack.wait_for_rpcs` sleeps for 0 seconds
between polls). While images are built for minutes, the loop takes a whole core from the builds. Newer SDKs wait, and
are left alone (docs/adr/0035).
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace

from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

STEP, LONGEST = 0.002, 0.5  # seconds: while no output finishes, the pause grows by STEP up to LONGEST


class Patience:
    """A `sleep` for the loop: no pause while outputs finish, and longer pauses the longer none finishes."""

    def __init__(self) -> None:
        self._left = self._asked = self._rounds = 0

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`; 0 seconds become some milliseconds after every output was polled in vain."""
        left = len(SETTINGS.outputs)
        if left != self._left:
            self._left, self._asked, self._rounds = left, 0, 0
        self._asked += 1
        if seconds == 0 and self._asked > left > 0:
            self._asked, self._rounds = 0, self._rounds + 1
            seconds = min(LONGEST, STEP * self._rounds)
        await asyncio.sleep(seconds)


def busy() -> bool:
    """Whether the installed SDK has the busy loop: such an SDK keeps its outputs in a deque."""
    return isinstance(getattr(SETTINGS, "outputs", None), deque) and getattr(stack, "asyncio", None) is asyncio


def install() -> None:
    """Make the SDK's loop pause; do nothing if the SDK has no such loop."""
    if not busy():
        return
    vars(stack)["asyncio"] = SimpleNamespace(**{**vars(asyncio), "sleep": Patience().sleep})
