"""Reading the stack's own outputs while the engine writes them."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pulumi
import pytest

from pulumi_bakewell.stack import outputs

HALF_WRITTEN = "invocation of readStackOutputs returned an error: failed to load checkpoint: EOF"


@pytest.mark.parametrize(
    ("faults", "calls", "raised"),
    [
        ([HALF_WRITTEN] * 2, 3, None),
        ([HALF_WRITTEN] * 3, 3, "failed to load checkpoint"),
        (["permission denied"], 1, "permission denied"),
    ],
    ids=["is read again", "stays broken", "another fault"],
)
def test_a_checkpoint_that_is_being_written_is_read_again(
    monkeypatch: pytest.MonkeyPatch, faults: list[str], calls: int, raised: str | None
) -> None:
    asked: list[str] = []

    async def answer(token: str, arguments: dict[str, str]) -> dict[str, Any]:
        asked.append(arguments["name"])
        if len(asked) <= len(faults):
            raise Exception(faults[len(asked) - 1])
        return {"outputs": {}}

    monkeypatch.setattr(outputs, "invoke_async", answer)
    monkeypatch.setattr(outputs, "_PAUSES", (0.0, 0.0))
    with pytest.raises(Exception, match=raised) if raised else nullcontext():
        assert asyncio.run(outputs._asked("organization/bakewell/dev")) == {"outputs": {}}
    assert asked == ["organization/bakewell/dev"] * calls


def test_the_identity_outlives_outputs_that_are_not_understood() -> None:
    identity = {"name": "dev"}
    found = outputs.remembered({"bakewell": {"docker": {"images": ["of before"], "identity": identity}}})
    assert found.identity is not None and found.identity.model_dump() == identity
    with pytest.raises(pulumi.RunError, match="`identity` that is not understood"):
        outputs.remembered({"bakewell": {"docker": {"identity": "dev"}}})
