"""What becomes of running commands when Pulumi is stopped, row by row."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass

import psutil

from tests.providers.stack import Stack
from tests.waiting import LONGEST, gone, until

PROGRAM = """
    from pulumi_command import local

    local.Command("one", create='''exec python3 -u -c '
    import os, signal, time, pathlib
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pathlib.Path("told.txt").write_text("told"))
    pathlib.Path("one.txt").write_text(str(os.getpid()))
    time.sleep(3600)
    ' ''')
    local.Command("shell", create='''
        trap "touch trapped.txt" INT TERM EXIT
        echo $$ > shell.txt
        sh -c "echo \\$\\$ > child.txt; sleep {seconds}; touch survived.txt"
        true
    ''')
"""


@dataclass(frozen=True)
class Running:
    """An up in the middle of its commands: one process, and a shell with a child."""

    up: subprocess.Popen[str]
    one: int
    shell: int
    child: int


def running(stack: Stack, seconds: int) -> Running:
    stack.write(PROGRAM.format(seconds=seconds))
    up = stack.start("up", "--yes", "--skip-preview")
    return Running(up, *(int(stack.file(f"{name}.txt")) for name in ("one", "shell", "child")))


def await_end(*pids: int) -> None:
    until(lambda: all(gone(pid) for pid in pids), what="not gone")


def left_alone(stack: Stack) -> None:
    """No command was told before it was killed, and none is in the state."""
    assert not stack.has("told.txt") and not stack.has("trapped.txt")
    assert stack.resources("one") == stack.resources("shell") == []


def test_sigint_kills_a_process_and_a_shell_but_not_its_child_and_pulumi_waits_for_the_pipe(stack: Stack) -> None:
    found = running(stack, seconds=3)
    found.up.send_signal(signal.SIGINT)
    await_end(found.one, found.shell)
    assert psutil.pid_exists(found.child)
    assert not stack.has("survived.txt")
    done = stack.end(found.up)
    assert done.code != 0
    assert "signal: killed" in done.said()
    assert stack.has("survived.txt"), "pulumi did not wait for the pipe"
    assert not stack.locked()
    left_alone(stack)


def test_sigterm_does_the_same_and_a_second_signal_kills_the_plugins_process_group(stack: Stack) -> None:
    found = running(stack, seconds=3600)
    found.up.send_signal(signal.SIGTERM)
    await_end(found.one, found.shell)
    assert psutil.pid_exists(found.child)
    found.up.send_signal(signal.SIGINT)
    await_end(found.child)
    assert stack.end(found.up).code != 0
    assert not stack.has("survived.txt")
    left_alone(stack)


def test_sigkill_of_pulumi_ends_the_shell_leaves_its_children_and_the_lock(stack: Stack) -> None:
    found = running(stack, seconds=3600)
    found.up.kill()
    found.up.wait(timeout=LONGEST)
    try:
        await_end(found.one, found.shell)
        assert psutil.pid_exists(found.child)
        left_alone(stack)
        assert stack.locked()
        refused = stack.up()
        assert refused.code != 0
        assert "locked" in refused.said()
    finally:
        for child in psutil.Process(found.child).children():
            child.kill()
        os.kill(found.child, signal.SIGKILL)
    assert stack.run("cancel", "--yes").code == 0
    assert not stack.locked()
    assert {operation["type"] for operation in stack.state().pending} == {"creating"}
    # The next up after a pending create warns, proceeds and creates again.
    stack.write('from pulumi_command import local\nlocal.Command("one", create="echo again")\n')
    done = stack.up()
    assert done.code == 0
    assert "interrupted" in done.said("warning")
    assert done.ops("one") == ["create"]
    assert stack["one"]["outputs"]["stdout"] == "again"
