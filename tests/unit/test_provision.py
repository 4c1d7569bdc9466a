"""packer/provision.py as Packer runs it, on an SSH server of this process: what it sees, its limits, what it leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import paramiko
import pytest

from tests.unit.core.machine.sshd import Answer, Sshd, listening
from tests.waiting import LONGEST, gone, until

PACKER = Path(__file__).resolve().parents[2] / "packer"
CHECK = "def test_nothing():\n    assert True\n"
HANG = 'from pyinfra.operations import server\nserver.shell(name="Never ends", commands=["hang"])\n'
ENVIRONMENT = """
import json, os, pathlib
begun = pathlib.Path("/proc/self/environ").read_text().split(chr(0))
pathlib.Path("seen.json").write_text(json.dumps([dict(os.environ), [one.partition("=")[0] for one in begun if one]]))
"""


class Machine(Sshd):
    """Runs nothing and says so; a command with the word `hang` says much and never ends.

    Attributes:
        hangs: called once somebody has read much of what a hanging command says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hangs: Callable[[], None] = lambda: None

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        if not re.search(r"\bhang\b", command):
            super()._run(channel, command)
            return
        with suppress(OSError, EOFError):
            # More than SSH lets a sender have on its way: the first lines have been read when this returns.
            channel.sendall(b"Setting up hang (1.0) ...\n" * 100_000)
            self.hangs()


@pytest.fixture
def machine() -> Iterator[Machine]:
    server = Machine()
    with listening(server):
        yield server


class Provisioning:
    """A staged context, and provision.py in it.

    Attributes:
        pid: of the process that was started last.
    """

    def __init__(self, folder: Path, machine: Machine, key: Path) -> None:
        self.folder, self.machine, self.pid = folder, machine, -1
        folder.mkdir()
        for path in (*PACKER.glob("*.py"), PACKER / "requirements.txt"):
            shutil.copy(path, folder)
        for name in ("before.py", "after.py"):
            (folder / name).write_text("")  # in place of the shared ones, whose steps are not here
        shutil.copy(key, folder / "key")
        (folder / "image.toml").write_text("")

    def run(self, deploy: str = "", checks: str = CHECK, **environ: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        (self.folder / "deploy.py").write_text(deploy)
        (self.folder / "checks.py").write_text(checks)
        told = {"HOST": "127.0.0.1", "PORT": str(self.machine.port), "KEY_FILE": "key", "ROLE": "try", "IMAGE": "try"}
        process = subprocess.Popen(
            [sys.executable, "provision.py"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]} | {f"BUILD_{name}": value for name, value in told.items()} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = process.pid
        out, err = process.communicate(timeout=LONGEST)
        return process.returncode, out, err

    def time_is_up(self) -> None:
        """What the limit's timer does, at a moment of the test's own."""
        os.kill(self.pid, signal.SIGALRM)


@pytest.fixture
def provisioning(tmp_path: Path, machine: Machine, key: Path) -> Provisioning:
    return Provisioning(tmp_path / "context", machine, key)


def test_a_deploy_sees_no_more_of_the_environment_than_is_listed(provisioning: Provisioning) -> None:
    unseen = {"APP_ENV": "blue", "AWS_SECRET_ACCESS_KEY": "s", "DIGITALOCEAN_TOKEN": "t", "PACKER_BUILD_NAME": "image"}
    unseen |= {"HOME": "/home/x", "USER": "x", "LANG": "de_DE.UTF-8", "PYTHONPATH": "/elsewhere", "SSH_AUTH_SOCK": "/s"}
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    status, out, err = provisioning.run(ENVIRONMENT, **unseen, **proxies)
    assert status == 0, out + err
    seen, begun = json.loads((provisioning.folder / "seen.json").read_text())
    assert {name for name in seen if not name.startswith("BUILD_")} == {
        *("PATH", "LC_ALL", "TZ", "PYTHONHASHSEED", *proxies)
    }
    assert (seen["LC_ALL"], seen["TZ"], seen["PYTHONHASHSEED"]) == ("C.UTF-8", "UTC", "0")
    assert not set(begun) & set(unseen), "nor in what the process was started with"


def test_every_connection_goes_through_the_bastion(
    provisioning: Provisioning, machine: Machine, tmp_path: Path
) -> None:
    """A command that carries SSH, as `ssh -W` does: it stands for the bastion, which alone knows the machine."""
    relay, log = tmp_path / "relay.py", tmp_path / "relayed"
    relay.write_text(
        "import socket, sys, threading, os, shutil\n"
        f"open({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
        f"end = socket.create_connection(('127.0.0.1', {machine.port}))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): end.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := end.recv(65536): os.write(1, data)\n"
    )
    deploy = 'from pyinfra.operations import server\nserver.shell(name="Say", commands=["true"])\n'
    bastion = {"BUILD_BASTION": f"{sys.executable} {relay} %h %p", "BUILD_HOST": "builder.invalid", "BUILD_PORT": "22"}
    status, out, err = provisioning.run(deploy, **bastion)
    assert status == 0, out + err
    assert log.read_text().splitlines() == ["builder.invalid 22"] * 2, "the checks' connection, and PyInfra's"


@pytest.mark.parametrize("way", ["import yaml", "import importlib\nimportlib.import_module('yaml')", "import bakewell"])
def test_a_package_that_is_only_installed_is_not_importable(provisioning: Provisioning, way: str) -> None:
    status, out, err = provisioning.run(way)
    assert status == 1 and "cannot be imported here: no fingerprint covers it" in out + err
    assert "remedy: use the standard library" in err


def test_neither_are_modules_of_pythonpath_and_of_the_user(provisioning: Provisioning, tmp_path: Path) -> None:
    user = tmp_path / "home/.local/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for folder in (tmp_path / "path", user):
        folder.mkdir(parents=True)
        (folder / "mine.py").write_text("")
    environ = {"PYTHONPATH": str(tmp_path / "path"), "HOME": str(tmp_path / "home")}
    status, out, err = provisioning.run("import mine", **environ)
    assert status == 1 and "mine cannot be imported here" in out + err


def test_modules_of_the_context_and_what_pyinfra_needs_are_importable(provisioning: Provisioning) -> None:
    (provisioning.folder / "own.py").write_text(
        "import pydantic, sqlite3, sysconfig, zoneinfo\nassert sysconfig.get_config_var('TZPATH') is not None\n"
    )
    status, out, err = provisioning.run(
        "import own\nfrom pyinfra.operations import apt, files, server", "import own\n" + CHECK
    )
    assert status == 0, out + err


def test_nothing_above_the_staged_folder_takes_part(provisioning: Provisioning) -> None:
    for name in ("conftest.py", "config.py", "group_data.py", "sitecustomize.py"):
        (provisioning.folder.parent / name).write_text(f"raise SystemExit('{name} was run')\n")
    (provisioning.folder.parent / "pytest.ini").write_text("[pytest]\npython_functions = none\n")
    status, out, err = provisioning.run()
    assert status == 0 and "1 passed" in out, out + err


@pytest.mark.parametrize(
    ("deploy", "checks", "at"),
    [
        (HANG, CHECK, "step `Never ends`"),
        ("", "def test_it(host):\n    host.run('hang')\n", "check `checks.py::test_it`"),
    ],
    ids=["step", "check"],
)
def test_what_runs_into_the_limit_is_named_with_its_last_output(
    deploy: str, checks: str, at: str, provisioning: Provisioning, machine: Machine
) -> None:
    machine.hangs = provisioning.time_is_up
    status, _, err = provisioning.run(deploy, checks)
    *before, what, remedy = err.splitlines()
    assert status == 1
    assert what == f"provision: the deploy, with its checks, took longer than 30 minutes, and was ended at {at}"
    assert "[build] timeout_minutes" in remedy
    assert before[-1].startswith("  Setting up hang (1.0)") and "its last output:" in before


@pytest.mark.parametrize("where", ["sys.exit()", "python.call(name='Ends', function=lambda: sys.exit(0))"])
def test_a_deploy_that_exits_early_makes_no_image(where: str, provisioning: Provisioning) -> None:
    status, _, err = provisioning.run(f"import sys\nfrom pyinfra.operations import python\n{where}\n")
    assert status == 1 and "deploy.py ended PyInfra before all its operations had run" in err
    assert "remedy: leave sys.exit() out" in err


def test_a_deploy_that_computes_for_ever_runs_into_the_limit(provisioning: Provisioning) -> None:
    status, _, err = provisioning.run("while True: pass\n", BUILD_SECONDS="3")
    assert status == 1
    assert "took longer than 3 seconds, and was ended at" in err


def test_a_machine_that_says_nothing_is_not_waited_for_without_end(
    provisioning: Provisioning, machine: Machine
) -> None:
    def mute(command: str) -> Answer:
        provisioning.time_is_up()
        threading.Event().wait(LONGEST)
        raise AssertionError(command)

    machine.answer = mute
    status, _, err = provisioning.run()
    assert status == 1
    assert "provision: the machine has said nothing for 11 minutes, while cloud-init was waited for" in err


@pytest.mark.parametrize(
    ("wait", "what"),
    [
        ("exec sleep 1000", "cloud-init did not end within 1 seconds"),
        ("exit 1", "cloud-init failed"),
        ("exit 2", ""),
    ],
)
def test_cloud_init_is_waited_for_as_long_as_the_limit(
    wait: str, what: str, provisioning: Provisioning, machine: Machine, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "cloud-init"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$2" = --long ] || {wait}\necho "detail: waiting for the network"\n')
    program.chmod(0o755)

    def run(command: str) -> Answer:
        done = subprocess.run(
            ["sh", "-c", command],
            env={"PATH": f"{program.parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    machine.answer = run
    status, out, err = provisioning.run(BUILD_CLOUD_INIT_SECONDS="1")
    if not what:
        assert status == 0, out + err
        return
    assert status == 1
    assert f"provision: {what}" in err.splitlines()
    assert "detail: waiting for the network" in out


def test_what_a_check_started_ends_with_the_build_in_a_session_of_its_own_too(provisioning: Provisioning) -> None:
    # It has this process's output open, so Packer would wait for it, as `communicate` does.
    checks = (
        "import pathlib, subprocess\n"
        "def test_it():\n"
        "    words = ['sh', '-c', 'sleep 1000 & sleep 1000']\n"
        "    left = [subprocess.Popen(words, start_new_session=session) for session in (False, True)]\n"
        "    pathlib.Path('left').write_text(' '.join(str(one.pid) for one in left))\n"
    )
    status, out, err = provisioning.run(checks=checks)
    assert status == 0, out + err
    for left in (provisioning.folder / "left").read_text().split():
        until(partial(gone, int(left)))
