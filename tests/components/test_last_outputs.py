"""Reading the stack's own outputs while the engine writes them."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from components.stack import outputs

HALF_WRITTEN = "invocation of readStackOutputs returned an error: failed to load checkpoint: EOF"


def _engine(monkeypatch: pytest.MonkeyPatch, *faults: str) -> list[str]:
    """An engine that answers with the faults, one a call, then well; gives the list of its calls."""
    calls: list[str] = []
    left = list(faults)

    async def answer(token: str, asked: dict[str, str]) -> dict[str, Any]:
        calls.append(asked["name"])
        if left:
            raise Exception(left.pop(0))
        return {"outputs": {}}

    monkeypatch.setattr(outputs, "invoke_async", answer)
    monkeypatch.setattr(outputs, "_PAUSES", (0.0, 0.0))
    return calls


def test_a_checkpoint_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _engine(monkeypatch, HALF_WRITTEN, HALF_WRITTEN)
    assert asyncio.run(outputs._asked("organization/bakewell/dev")) == {"outputs": {}}
    assert calls == ["organization/bakewell/dev"] * 3


def test_one_that_stays_broken_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _engine(monkeypatch, *[HALF_WRITTEN] * 3)
    with pytest.raises(Exception, match="failed to load checkpoint"):
        asyncio.run(outputs._asked("organization/bakewell/dev"))


def test_another_fault_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _engine(monkeypatch, "permission denied")
    with pytest.raises(Exception, match="permission denied"):
        asyncio.run(outputs._asked("organization/bakewell/dev"))
    assert len(calls) == 1


def test_the_identity_outlives_outputs_that_are_not_understood() -> None:
    identity = {"name": "dev", "key": "0a1b2c"}
    found = outputs._read({"machines": ["of another program"], "identity": identity})
    assert found.identity is not None and found.identity.model_dump() == identity
    with pytest.raises(pulumi.RunError, match="`identity` is not understood"):
        outputs._read({"identity": "dev"})
