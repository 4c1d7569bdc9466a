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
from pathlib import Path

import pytest

from bakewell.errors import BakewellError
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project
from tests.waiting import LONGEST

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
    "import os, sys; from bakewell_local.project import stacks; "
    "sys.exit(stacks.run([sys.executable, '-c', sys.argv[1]], os.environ))"
)


@pytest.fixture
def fake_pulumi(tmp_path: Path) -> dict[str, str]:
    """An environment whose pulumi writes its arguments down and prints `$SAYS`."""
    program = tmp_path / "pulumi"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\nprintf "%s" "$SAYS"\nexit "$STATUS"\n')
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "SAYS": "", "STATUS": "0"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One of another name than Bakewell's own."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return Project(tmp_path, tmp_path)


def lock(state: Path, pid: int, hostname: str | None = None) -> Path:
    file = state / f"stacks/.pulumi/locks/organization/shop/dev/{pid}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"pid": pid, "hostname": hostname or socket.gethostname()}))
    return file


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


def test_the_lock_of_a_dead_run_is_removed_and_that_of_a_live_one_respected(
    tmp_path: Path, project: Project, fake_pulumi: dict[str, str]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pulumi").symlink_to("/bin/sleep")
    lock(tmp_path, gone())
    with subprocess.Popen([tmp_path / "bin/pulumi", "60"]) as running:
        for pid, hostname in ((running.pid, None), (gone(), "another-host")):
            live = lock(tmp_path, pid, hostname)
            with pytest.raises(BakewellError, match="another pulumi works on stack dev"):
                stacks.ready("dev", project, fake_pulumi)
            live.unlink()
        running.kill()
    assert calls(tmp_path) == []
    with pytest.raises(BakewellError, match="pulumi cancel --yes --stack dev: no passphrase"):
        stacks.ready("dev", project, {**fake_pulumi, "SAYS": "no passphrase", "STATUS": "1"})
    stacks.ready("dev", project, fake_pulumi)
    assert calls(tmp_path)[1:] == ["cancel --yes --stack dev", "stack select --create dev --non-interactive"]


def test_a_machine_is_asked_until_it_answers_200_or_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nothing listens: this machine is asked directly
    statuses = [503, 503, 200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        assert stacks.http_status(url, time.monotonic()) == "503"
        assert stacks.http_status(url, time.monotonic() + LONGEST) == "200"
        server.shutdown()
    assert stacks.http_status(url, time.monotonic()).startswith("no answer (")
