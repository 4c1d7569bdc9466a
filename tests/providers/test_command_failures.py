"""What `command:local:Command` does when things fail, row by row."""

from __future__ import annotations

import pytest

from tests.providers.conftest import NewStack
from tests.providers.stack import Run, Stack

FAILURES = """
    import pulumi
    from pulumi_command import local

    version = {version}
    opts = pulumi.ResourceOptions
    local.Command("replaced", create=f"echo {{version}}; exit {{version - 1}}", triggers=[version])
    if version == 2:
        local.Command("fails", create="echo out; echo err >&2; exit 3")
        local.Command("nowhere", create="true", dir="not/there")
        local.Command("bytes", create="touch bytes.txt; printf '\\\\377'")
        local.Command("late", create="trap 'touch trapped.txt' TERM INT EXIT; while :; do sleep 0.1; done",
                      opts=opts(custom_timeouts=pulumi.CustomTimeouts(create="1s")))
        local.Command("no-program", create="true", interpreter=["not-a-program"])
"""


@pytest.fixture(scope="module")
def failed(new_stack: NewStack) -> tuple[Stack, Run, Run]:
    """Commands that fail, the preview of them and their up."""
    stack = new_stack("failed")
    stack.write(FAILURES.format(version=1))
    assert stack.up().code == 0
    stack.write(FAILURES.format(version=2))
    before = stack.preview()
    done = stack.up("--continue-on-error")
    assert done.code != 0
    return stack, before, done


def test_a_nonzero_exit_is_told_with_the_command_and_its_output(failed: tuple[Stack, Run, Run]) -> None:
    said = failed[2].said()
    told = said[said.index("exit status 3: running ") :]
    assert told.startswith('exit status 3: running "echo out; echo err >&2; exit 3":\n')
    assert sorted(told.splitlines()[1:3]) == ["err", "out"]


def test_a_failed_create_leaves_nothing_in_state(failed: tuple[Stack, Run, Run]) -> None:
    assert failed[0].resources("fails") == []


def test_a_failed_replacement_leaves_the_old_resource_untouched(failed: tuple[Stack, Run, Run]) -> None:
    record = failed[0]["replaced"]
    assert record["outputs"]["stdout"] == "1"
    assert record["inputs"]["triggers"] == [1]


def test_a_missing_dir_fails_only_in_up(failed: tuple[Stack, Run, Run]) -> None:
    stack, before, done = failed
    assert before.code == 0
    assert "chdir not/there: no such file or directory" in done.said()
    assert stack.resources("nowhere") == []


def test_output_that_is_not_utf8_fails_the_create_after_the_command_ran(failed: tuple[Stack, Run, Run]) -> None:
    stack, _, done = failed
    assert stack.has("bytes.txt")
    assert "invalid UTF-8" in done.said()
    assert stack.resources("bytes") == []


def test_custom_timeouts_are_honoured_by_sigkill(failed: tuple[Stack, Run, Run]) -> None:
    stack, _, done = failed
    assert "signal: killed" in done.said()
    assert not stack.has("trapped.txt")
    assert stack.resources("late") == []


def test_a_missing_interpreter_is_named(failed: tuple[Stack, Run, Run]) -> None:
    assert '"not-a-program": executable file not found in $PATH' in failed[2].said()


def test_a_failing_delete_stays_pending_and_is_retried_with_the_stored_text(stack: Stack) -> None:
    program = """
        from pulumi_command import local

        local.Command("c", create="true", triggers=[{trigger}], delete="echo {text} >> log.txt; exit {code}")
    """
    stack.write(program.format(trigger=1, text="stored", code=1))
    assert stack.up().code == 0
    stack.write(program.format(trigger=2, text="edited", code=0))
    assert stack.up().code != 0
    assert [record.get("delete", False) for record in stack.resources("c")] == [False, True]
    assert stack.up().code != 0
    assert stack.file("log.txt") == "stored\nstored\n"
    assert [record.get("delete", False) for record in stack.resources("c")] == [False, True]


def test_asset_paths_cannot_be_used(stack: Stack) -> None:
    """The real plugin loses the paths in a refresh, and the next up crashes; the stand-in refuses them at once."""
    stack.write(
        """
        from pulumi_command import local

        local.Command("c", create="echo x > made.txt", asset_paths=["*.txt"])
        """
    )
    steps = (stack.up, stack.refresh, stack.up)
    assert any(step().code != 0 for step in steps)
