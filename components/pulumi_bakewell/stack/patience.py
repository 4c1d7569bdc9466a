"""Waiting without keeping a core busy, for SDKs of Pulumi that do.

Older SDKs ask in a loop without a pause whether outputs are done (`pulumi.runtime.stack.wait_for_rpcs`: it sleeps for 0
seconds between two questions). While images are built for minutes, that takes a whole core from their builds. Newer
SDKs wait, and are left alone (docs/adr/0035).
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace

from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

STEP, LONGEST = 0.002, 0.5  # seconds: the pause grows by the first, up to the second, while nothing happens


class Patience:
    """A `sleep` for that loop: as quick as before while outputs finish, and slower the longer none does."""

    def __init__(self) -> None:
        self._left = self._asked = self._rounds = 0

    async def sleep(self, seconds: float) -> None:
        """As asyncio's; but of 0 seconds, once every output was asked in vain, for some milliseconds."""
        left = len(SETTINGS.outputs)
        if left != self._left:
            self._left, self._asked, self._rounds = left, 0, 0
        self._asked += 1
        if seconds == 0 and self._asked > left > 0:
            self._asked, self._rounds = 0, self._rounds + 1
            seconds = min(LONGEST, STEP * self._rounds)
        await asyncio.sleep(seconds)


def busy() -> bool:
    """Whether the installed SDK has that loop: it keeps outputs in a deque, to ask one after another."""
    return isinstance(getattr(SETTINGS, "outputs", None), deque) and getattr(stack, "asyncio", None) is asyncio


def install() -> None:
    """Have the SDK's loop wait with patience; do nothing where it has another."""
    if not busy():
        return
    vars(stack)["asyncio"] = SimpleNamespace(**{**vars(asyncio), "sleep": Patience().sleep})
