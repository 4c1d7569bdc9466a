"""A stack may be renamed: no resource has its name among its inputs, and its commands are told by another way."""

from __future__ import annotations

import json

import pytest
from pulumi.runtime.mocks import MockEngine

from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, PARAMETER, Run

GIVEN = {"name": "dev"}


def asked(run: Run) -> dict[str, object]:
    assert run.error is None, run.said("error")
    return {f"{one.type} {one.name}": one.inputs for one in run.resources if one.type != "pulumi:pulumi:Stack"}


def test_no_input_of_any_resource_changes(everything: Fleet) -> None:
    for part in everything.outputs["bakewell"].values():
        part["identity"] = GIVEN
    before = everything.run()
    after = everything.run(stack="renamed")
    assert asked(before) == asked(after)
    assert len(before.of_type(COMMAND)) >= 8 and before.of_type(PARAMETER)
    assert "BAKEWELL_STACK" not in json.dumps(asked(before))
    assert before.outputs == after.outputs and identity(after) == GIVEN
    # What commands of before have among their inputs stays.
    commands = before.of_type(COMMAND).values()
    assert {command.ignored for command in commands} == {("environment.BAKEWELL_STACK",)}
    assert all("environment" in command.inputs for command in commands), "or the path to it would be missing"


def test_an_up_tells_its_commands_the_stack_and_a_preview_runs_none(
    everything: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[tuple[str, str]] = []
    monkeypatch.setattr("pulumi_bakewell.stack.commands.EngineStub", MockEngine)
    monkeypatch.setattr(
        "bakewell.settings.engine.announce", lambda folder, stack: announced.append((folder.name, stack))
    )
    everything.run(preview=True)
    assert announced == []
    everything.run(stack="renamed")
    assert announced == [("state", "renamed")]


def identity(run: Run) -> dict[str, str]:
    """The identity on record, the same for every cloud."""
    first, *others = (part["identity"] for part in run.outputs["bakewell"].values())
    assert all(other == first for other in others)
    found: dict[str, str] = first
    return found


def test_a_stack_without_a_record_is_called_by_its_name(everything: Fleet) -> None:
    for outputs in ({"of_its_own": 1}, {}):
        everything.outputs = dict(outputs)
        assert identity(everything.run()) == {"name": "dev"}
