"""When the `delete` of a command runs, and with which environment."""

from __future__ import annotations

import pytest

from tests.providers.conftest import NewStack
from tests.providers.stack import Run, Stack

DELETES = """
    from pulumi_command import local

    version = {version}

    def command(name, trigger):
        return local.Command(
            name,
            create=f"echo {{name}} create $VERSION $OUTSIDE >>log.txt; echo out $VERSION",
            delete=f"echo {{name}} delete $VERSION $OUTSIDE $PULUMI_COMMAND_STDOUT >>log.txt",
            environment={{"VERSION": str(version)}},
            triggers=[trigger],
        )

    command("replaced", version)
    command("updated", "constant")
"""


@pytest.fixture(scope="module")
def deleted(new_stack: NewStack) -> tuple[Stack, list[str], Run]:
    """Two commands whose environment changes, one of which is replaced; what they wrote, and the destroy after it."""
    stack = new_stack("deleted")
    stack.environment["OUTSIDE"] = "then"
    stack.write(DELETES.format(version=1))
    assert stack.up().code == 0
    stack.environment["OUTSIDE"] = "now"
    stack.write(DELETES.format(version=2))
    done = stack.up()
    assert done.code == 0, done.said()
    before = stack.file("log.txt").splitlines()
    done = stack.destroy()
    assert done.code == 0, done.said()
    return stack, before, done


def of(lines: list[str], name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(name)]


def test_a_replaced_command_deletes_with_the_old_environment_after_the_new_one_was_created(
    deleted: tuple[Stack, list[str], Run],
) -> None:
    assert of(deleted[1], "replaced") == ["create 1 then", "create 2 now", "delete 1 now out 1"]


def test_an_update_in_place_runs_no_delete(deleted: tuple[Stack, list[str], Run]) -> None:
    assert of(deleted[1], "updated") == ["create 1 then", "create 2 now"]


@pytest.mark.parametrize("name", ["replaced", "updated"])
def test_a_destroy_deletes_with_the_last_environment_and_that_of_the_process(
    deleted: tuple[Stack, list[str], Run], name: str
) -> None:
    stack, before, done = deleted
    assert done.ops(name) == ["delete"]
    assert of(stack.file("log.txt").splitlines()[len(before) :], name) == ["delete 2 now out 2"]
