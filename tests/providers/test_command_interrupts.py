"""What becomes of a running command when Pulumi is stopped, row by row."""

from __future__ import annotations

import os
import signal
import subprocess

import psutil
import pytest

from tests.providers.stack import Stack
from tests.waiting import LONGEST, gone, until

ONE_PROCESS = """
    from pulumi_command import local

    local.Command("c", create='''exec python3 -u -c '
    import os, signal, time, pathlib
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pathlib.Path("told.txt").write_text("told"))
    pathlib.Path("pid.txt").write_text(str(os.getpid()))
    time.sleep(3600)
    ' ''')
"""
SHELL = """
    from pulumi_command import local

    local.Command("c", create='''
        trap "touch trapped.txt" INT TERM EXIT
        echo $$ > sh.txt
        sh -c "echo \\$\\$ > pid.txt; sleep {seconds}; touch survived.txt"
        true
    ''')
"""


def running(stack: Stack, program: str) -> tuple[subprocess.Popen[str], int]:
    """An up in the middle of its command, and the PID that the command wrote to pid.txt."""
    stack.write("\n".join(line.removeprefix("    ") for line in program.splitlines()))
    process = stack.start("up", "--yes", "--skip-preview")
    return process, int(stack.file("pid.txt"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_kills_a_command_of_one_process_at_once(stack: Stack, number: signal.Signals) -> None:
    process, pid = running(stack, ONE_PROCESS)
    process.send_signal(number)
    until(lambda: gone(pid), what="not gone")
    done = stack.end(process)
    assert done.code != 0
    assert "signal: killed" in done.said()
    assert not stack.has("told.txt"), "the command was told before it was killed"
    assert stack.resources("c") == []
    assert not stack.locked()


def test_sigint_kills_a_shell_but_not_its_child_and_pulumi_waits_for_the_pipe(stack: Stack) -> None:
    process, grandchild = running(stack, SHELL.format(seconds=3))
    shell = int(stack.file("sh.txt"))
    process.send_signal(signal.SIGINT)
    until(lambda: gone(shell), what="not gone")
    assert psutil.pid_exists(grandchild)
    assert not stack.has("survived.txt")
    done = stack.end(process)
    assert done.code != 0
    assert stack.has("survived.txt"), "pulumi did not wait for the pipe"
    assert not stack.has("trapped.txt")
    assert stack.resources("c") == []


def test_two_sigints_kill_the_plugins_process_group(stack: Stack) -> None:
    process, grandchild = running(stack, SHELL.format(seconds=3600))
    shell = int(stack.file("sh.txt"))
    process.send_signal(signal.SIGINT)
    until(lambda: gone(shell), what="not gone")
    process.send_signal(signal.SIGINT)
    until(lambda: gone(grandchild), what="not gone")
    stack.end(process)
    assert not stack.has("survived.txt")
    assert stack.resources("c") == []


def test_sigkill_of_pulumi_ends_the_shell_leaves_its_children_and_the_lock(stack: Stack) -> None:
    process, grandchild = running(stack, SHELL.format(seconds=3600))
    shell = int(stack.file("sh.txt"))
    process.kill()
    process.wait(timeout=LONGEST)
    try:
        until(lambda: gone(shell), what="not gone")
        assert psutil.pid_exists(grandchild)
        assert not stack.has("trapped.txt")
        assert stack.locked()
        refused = stack.up()
        assert refused.code != 0
        assert "locked" in refused.said()
    finally:
        for child in psutil.Process(grandchild).children():
            child.kill()
        os.kill(grandchild, signal.SIGKILL)
    assert stack.run("cancel", "--yes").code == 0
    assert not stack.locked()
    assert [operation["type"] for operation in stack.pending()] == ["creating"]
    # The next up after a pending create warns, proceeds and creates again.
    stack.write('from pulumi_command import local\nlocal.Command("c", create="echo again")\n')
    done = stack.up()
    assert done.code == 0
    assert "interrupted" in done.said("warning")
    assert done.ops("c") == ["create"]
    assert stack["c"]["outputs"]["stdout"] == "again"
