"""A stack may be renamed: no resource has its name among its inputs, and its commands are told by another way."""

from __future__ import annotations

import json

import pytest
from pulumi.runtime.mocks import MockEngine

from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, PARAMETER, Run

GIVEN = {"name": "dev", "key": "0a1b2c"}


@pytest.fixture
def everything(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Machines, fleets, copies and parameters on two clouds."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-tests")
    login = {"key": "ops", "ssh_from": ["10.0.0.0/8"]}
    fleet.config |= {
        "bakewell:clouds": '["digitalocean", "aws"]',
        "bakewell:machines": json.dumps({"web": {"ssh_keys": ["512190"]}}),
        "bakewell:aws": json.dumps({"instances": {"web": login}, "fleets": {"api": login}}),
    }
    for cloud in ("digitalocean", "aws"):
        fleet.bake(cloud=cloud)
    fleet.outputs["identity"] = GIVEN
    return fleet


def asked(run: Run) -> dict[str, object]:
    assert run.error is None, run.said("error")
    return {f"{one.type} {one.name}": one.inputs for one in run.resources if one.type != "pulumi:pulumi:Stack"}


def test_no_input_of_any_resource_changes(everything: Fleet) -> None:
    before = everything.run()
    after = everything.run(stack="renamed")
    assert asked(before) == asked(after)
    assert len(before.of_type(COMMAND)) >= 8 and before.of_type(PARAMETER)
    assert "BAKEWELL_STACK" not in json.dumps(asked(before))
    assert before.outputs == after.outputs and after.outputs["identity"] == GIVEN


def test_what_commands_of_before_have_among_their_inputs_stays(everything: Fleet) -> None:
    commands = everything.run().of_type(COMMAND)
    assert {command.ignored for command in commands.values()} == {("environment.BAKEWELL_STACK",)}
    assert all("environment" in command.inputs for command in commands.values()), "or the path to it would be missing"


def test_an_up_tells_its_commands_the_stack_and_a_preview_runs_none(
    everything: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[tuple[str, str]] = []
    monkeypatch.setattr("components.stack.commands.EngineStub", MockEngine)
    monkeypatch.setattr(
        "bakewell.settings.engine.announce", lambda folder, stack: announced.append((folder.name, stack))
    )
    everything.run(preview=True)
    assert announced == []
    everything.run(stack="renamed")
    assert announced == [("state", "renamed")]


def test_a_new_stack_is_given_a_key_and_one_of_before_has_none(everything: Fleet) -> None:
    del everything.outputs["identity"]
    assert everything.run().outputs["identity"] == {"name": "dev", "key": ""}
    everything.outputs.clear()
    first, second = (everything.run().outputs["identity"] for _ in range(2))
    assert first["name"] == "dev" and len(first["key"]) == 6
    assert first["key"] != second["key"], "or a stack that is given the name later would have it too"
