"""The program that runs cloud-init's first two stages, with a cloud-init and a systemd of the test's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import LONGEST

PROGRAM = Path(__file__).resolve().parents[2] / "packer" / "steps" / "cloud_init" / "files" / "stages.py"
LOADED = """\
import os
import sys

with open("loaded", "a") as log:
    log.write("x")


def main(words):
    print("ran", *words[1:], flush=True)
    print("also said", file=sys.stderr, flush=True)
    assert sys.argv == words
    assert "NOTIFY_SOCKET" not in os.environ
    with open("notified") as notified:
        with open("stages", "a") as log:
            log.write(f"{words[1:]} {notified.read()!r}\\n")
    ends = os.environ.get("STAGE_ENDS", "0")
    if ends == "crash":
        raise RuntimeError("crash")
    if ends == "killed":
        os.kill(os.getpid(), 9)
    return int(ends)
"""
PLAIN = """\
#!/bin/sh
echo "plainly ran $*"
exit "${PLAIN_ENDS:-0}"
"""


class Machine:
    """A folder in which the program finds a cloud-init, and tells a socket when the first stage is over."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "cloudinit" / "cmd").mkdir(parents=True)
        (root / "cloudinit" / "cmd" / "main.py").write_text(LOADED)
        (root / "cloud-init").write_text(PLAIN)
        (root / "cloud-init").chmod(0o755)
        (root / "notified").touch()
        text = PROGRAM.read_text().replace("/usr/bin/cloud-init", str(root / "cloud-init"))
        (root / "stages.py").write_text(text.replace("/run/cloud-init/bakewell-stages.sock", "run/stages.sock"))
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(root / "notify"))
        self.systemd.settimeout(20)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, stage: str, **env: str) -> subprocess.Popen[str]:
        extra = {"NOTIFY_SOCKET": str(self.root / "notify")} if stage == "local" else {}
        process = subprocess.Popen(
            [sys.executable, "stages.py", stage],
            cwd=self.root,
            env={**os.environ, **extra, **env, "PYTHONPATH": str(self.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def told(self) -> None:
        """Wait until systemd is told that the first stage is over."""
        assert self.systemd.recv(100) == b"READY=1"
        (self.root / "notified").write_text("yes")

    def read(self, name: str) -> str:
        return (self.root / name).read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.systemd.close()
    for process in made.started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    said, _ = process.communicate(timeout=LONGEST)
    return process.returncode, said.splitlines()


def test_one_process_runs_both_stages_and_each_says_what_it_says_where_it_belongs(machine: Machine) -> None:
    first = machine.start("local")
    machine.told()
    assert ended(machine.start("network")) == (0, ["ran init", "also said"])
    assert ended(first) == (0, ["ran init --local", "also said"])
    assert machine.read("stages").splitlines() == ["['init', '--local'] ''", "['init'] 'yes'"]
    assert machine.read("loaded") == "x"


def test_systemd_is_not_told_of_a_first_stage_that_failed_and_the_other_runs_by_itself(machine: Machine) -> None:
    assert ended(machine.start("local", STAGE_ENDS="3"))[0] == 3
    code, said = ended(machine.start("network"))
    assert (code, said[-1]) == (0, "plainly ran init")
    machine.systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        machine.systemd.recv(100)


@pytest.mark.parametrize(("ends", "code"), [("1", 1), ("crash", 1), ("killed", 256 - 9)])
def test_the_second_stage_ends_as_it_ended(machine: Machine, ends: str, code: int) -> None:
    only_there = LOADED.replace('"0")', f'"{ends}" if "--local" not in words else "0")')
    (machine.root / "cloudinit" / "cmd" / "main.py").write_text(only_there)
    machine.start("local")
    machine.told()
    assert ended(machine.start("network"))[0] == code


def test_without_the_first_process_the_second_stage_runs_as_ever(machine: Machine) -> None:
    first = machine.start("local")
    machine.told()
    first.kill()
    first.wait()
    code, said = ended(machine.start("network", PLAIN_ENDS="2"))
    assert (code, said[-1]) == (2, "plainly ran init")


def test_a_first_process_that_dies_under_way_is_made_up_for(machine: Machine) -> None:
    sleeps = "    if '--local' not in words:\n        import time\n        time.sleep(1)\n"
    slow = LOADED.replace("    ends =", f"{sleeps}    ends =")
    (machine.root / "cloudinit" / "cmd" / "main.py").write_text(slow)
    first = machine.start("local")
    machine.told()
    second = machine.start("network")
    until = time.monotonic() + 20
    while (machine.root / "run" / "stages.sock").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    first.kill()
    code, said = ended(second)
    assert (code, said[-1]) == (0, "plainly ran init")


def test_a_cloud_init_that_cannot_be_loaded_runs_stage_by_stage(machine: Machine) -> None:
    (machine.root / "cloudinit" / "cmd" / "main.py").write_text("raise ImportError('another version')")
    first = machine.start("local")
    machine.told()
    code, said = ended(first)
    assert (code, said) == (0, ["another version: each stage runs by itself", "plainly ran init --local"])
    assert ended(machine.start("network"))[1][-1] == "plainly ran init"
