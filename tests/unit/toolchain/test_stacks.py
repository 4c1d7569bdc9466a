"""Running pulumi: interrupts, dead locks, and whether a machine answers."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakewell.errors import BakewellError
from sandbox import stacks

# Tells each interrupt it gets, and ends at the second one.
PATIENT = """
import os, signal, sys, time
count = 0
def told(*_):
    global count
    count += 1
    os.write(1, f"interrupt {count}\\n".encode())
    if count == 2:
        sys.exit(7)
signal.signal(signal.SIGINT, told)
os.write(1, b"ready\\n")
time.sleep(60)
time.sleep(60)
"""
RUNNER = (
    "import os, sys; from sandbox import stacks; sys.exit(stacks.run([sys.executable, '-c', sys.argv[1]], os.environ))"
)


@pytest.fixture
def fake_pulumi(tmp_path: Path) -> dict[str, str]:
    """An environment whose pulumi writes its arguments down and prints `$SAYS`."""
    program = tmp_path / "pulumi"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\nprintf "%s" "$SAYS"\nexit "$STATUS"\n')
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "SAYS": "", "STATUS": "0"}


def lock(state: Path, pid: int, hostname: str | None = None) -> None:
    folder = state / "stacks/.pulumi/locks/organization/bakewell/dev"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{pid}.json").write_text(json.dumps({"pid": pid, "hostname": hostname or socket.gethostname()}))


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "calls"
    return file.read_text().splitlines() if file.exists() else []


def gone() -> int:
    """The pid of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_command_of_ours_gives_its_own_status(tmp_path: Path) -> None:
    assert stacks.run(["sh", "-c", "exit 3"], os.environ) == 3
    assert stacks.run(["sh", "-c", "kill -9 $$"], os.environ) == 137
    assert stacks.run(["sh", "-c", "cat"], os.environ) == 0, "nothing waits for input"


@pytest.mark.parametrize("group", [False, True], ids=["by-kill", "by-the-terminal"])
def test_each_interrupt_reaches_the_command_exactly_once(group: bool) -> None:
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, PATIENT], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert runner.stdout is not None

    def interrupt() -> None:
        os.killpg(runner.pid, signal.SIGINT) if group else runner.send_signal(signal.SIGINT)

    with runner:
        assert runner.stdout.readline() == "ready\n"
        interrupt()
        assert runner.stdout.readline() == "interrupt 1\n"
        time.sleep(0.2)
        assert runner.poll() is None, "one interrupt must not count as two"
        interrupt()
        assert runner.stdout.read() == "interrupt 2\n"
    assert runner.returncode == stacks.INTERRUPTED


def test_a_missing_stack_is_made_once(tmp_path: Path, fake_pulumi: dict[str, str]) -> None:
    stacks.ready("dev", tmp_path, fake_pulumi)
    assert calls(tmp_path) == ["stack select --create dev --non-interactive"]
    made = tmp_path / "stacks/.pulumi/stacks/bakewell/dev.json"
    made.parent.mkdir(parents=True)
    made.write_text('{"version": 3, "checkpoint": {"stack": "dev"}}')
    stacks.ready("dev", tmp_path, fake_pulumi)
    assert len(calls(tmp_path)) == 1


def test_the_lock_of_a_dead_run_is_removed(tmp_path: Path, fake_pulumi: dict[str, str]) -> None:
    lock(tmp_path, gone())
    stacks.ready("dev", tmp_path, fake_pulumi)
    assert calls(tmp_path)[0] == "cancel --yes --stack dev"


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_the_lock_of_a_live_run_is_respected(tmp_path: Path, fake_pulumi: dict[str, str], where: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pulumi").symlink_to("/bin/sleep")
    running = subprocess.Popen([tmp_path / "bin/pulumi", "60"])
    try:
        lock(tmp_path, running.pid) if where == "here" else lock(tmp_path, gone(), hostname="another-host")
        lock(tmp_path, gone())
        with pytest.raises(BakewellError, match="another pulumi works on stack dev"):
            stacks.ready("dev", tmp_path, fake_pulumi)
    finally:
        running.kill()
        running.wait()
    assert calls(tmp_path) == []


def test_a_pulumi_that_fails_is_told_with_its_words(tmp_path: Path, fake_pulumi: dict[str, str]) -> None:
    with pytest.raises(BakewellError, match="pulumi stack select --create dev --non-interactive: no passphrase"):
        stacks.ready("dev", tmp_path, {**fake_pulumi, "SAYS": "no passphrase", "STATUS": "1"})


def test_machines_come_from_the_outputs(fake_pulumi: dict[str, str]) -> None:
    web = {"role": "web", "address": "10.0.0.2", "url": "http://10.0.0.2/", "image": "7"}
    found = stacks.machines({**fake_pulumi, "SAYS": json.dumps({"machines": {"web-1": web}})})
    assert found == [("web-1", stacks.Machine(address="10.0.0.2", url="http://10.0.0.2/"))]
    assert stacks.machines({**fake_pulumi, "SAYS": "{}"}) == []


def test_machines_of_a_fleet_are_those_that_it_has_now(tmp_path: Path, fake_pulumi: dict[str, str]) -> None:
    one = {"id": "i-1", "address": "10.0.0.3", "url": None, "ready_seconds": 1.5}
    program = tmp_path / "bakewell"
    program.write_text(f"""#!/bin/sh\necho "$@" >>{tmp_path}/calls\necho '{json.dumps({"machines": [one, one]})}'\n""")
    program.chmod(0o755)
    outputs = {"fleets": {"web": {"role": "web", "group": "aws-web-12", "image": "ami-7"}}}
    found = stacks.machines({**fake_pulumi, "SAYS": json.dumps(outputs)})
    assert found == [("aws-web", stacks.Machine(address="10.0.0.3", ready_seconds=1.5))] * 2
    assert calls(tmp_path)[-1] == "fleet --group aws-web-12"


@pytest.fixture
def machine() -> Iterator[tuple[str, list[int]]]:
    """A URL, and the statuses it will answer with; the last one stays."""
    statuses = [200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", statuses
    server.shutdown()
    server.server_close()


def test_a_machine_that_comes_up_late_is_waited_for(
    machine: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nothing listens: this machine is asked directly
    url, statuses = machine
    statuses[:] = [503, 200]
    assert stacks.http_status(url, time.monotonic() + 20) == "200"


def test_a_machine_that_does_not_come_up_is_told(machine: tuple[str, list[int]]) -> None:
    url, statuses = machine
    statuses[:] = [503]
    assert stacks.http_status(url, time.monotonic()) == "503"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = stacks.http_status(f"http://127.0.0.1:{unused.getsockname()[1]}/", time.monotonic())
    assert answer.startswith("no answer (")
