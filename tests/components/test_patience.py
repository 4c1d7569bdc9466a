"""The SDK's loop that waits for outputs: it must not take a core while it waits, nor make anything later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest
from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

from pulumi_bakewell.stack import patience

BUSY = isinstance(getattr(SETTINGS, "outputs"), deque)  # noqa: B009 - typed as the locked SDK has it
"""Whether the installed SDK needs it; the one in requirements.lock does."""


@pytest.fixture
def no_outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK's own list of outputs, empty, and its loop as it comes."""
    monkeypatch.setattr(SETTINGS, "outputs", deque())
    monkeypatch.setattr(stack, "asyncio", asyncio)
    yield


async def _wait_for(outputs: int, done: asyncio.Event) -> None:
    SETTINGS.outputs.extend(asyncio.create_task(_until(done)) for _ in range(outputs))
    await stack.wait_for_rpcs()


async def _until(done: asyncio.Event) -> None:
    await done.wait()


def _questions(monkeypatch: pytest.MonkeyPatch, sleeper: ModuleType) -> int:
    """How often the loop asks while 50 outputs take 0.4 seconds, on a clock a question moves by 10 microseconds.

    `sleeper` is the module whose `asyncio.sleep` is called in the end.
    """

    async def wait() -> int:
        asked, clock, done, sleep = 0, 0.0, asyncio.Event(), asyncio.sleep

        async def counting(seconds: float) -> None:
            nonlocal asked, clock
            asked, clock = asked + 1, clock + max(seconds, 0.00001)
            if clock >= 0.4:
                done.set()
            await sleep(0)

        # Not asyncio's own: servers of other tests, in threads of this process, sleep too.
        counted = SimpleNamespace(**{**vars(asyncio), "sleep": counting})
        with monkeypatch.context() as patch:
            patch.setattr(sleeper, "asyncio", counted)
            await _wait_for(50, done)
        return asked

    return asyncio.run(wait())


def test_an_sdk_of_another_shape_is_left_alone(no_outputs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SETTINGS, "outputs", set())
    patience.install()
    assert vars(stack)["asyncio"] is asyncio


@pytest.mark.skipif(not BUSY, reason="this SDK waits by itself")
def test_it_asks_far_less_often_while_nothing_happens(no_outputs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = _questions(monkeypatch, stack)
    patience.install()
    assert _questions(monkeypatch, patience) < busy / 4
