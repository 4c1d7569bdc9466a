"""The Docker Engine: used, started or asked for; ended only if we started it. No engine is touched here."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from bakewell.errors import BakewellError
from bakewell_local.toolchain import engine
from bakewell_local.toolchain.processes import find
from tests.waiting import LONGEST, until

NOBODY = "no Docker Engine answers"


class Host:
    """A machine whose engine answers once `$TMP/up` is there; dockerd and apt-get on it are fakes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()

    def program(self, name: str, body: str) -> None:
        file = self.folder / "bin" / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.folder}/calls\n{body}\n')
        file.chmod(0o755)

    def problem(self) -> str | None:
        return None if (self.folder / "up").exists() else NOBODY

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path)
    made.program("dockerd", f"touch {tmp_path}/up; exec sleep 600")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "problem", made.problem)
    monkeypatch.setattr(engine, "_SERVICE_MANAGER", tmp_path / "systemd")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    yield made
    engine.stop()


def test_one_that_runs_is_used_and_never_ended(host: Host) -> None:
    (host.folder / "up").touch()
    assert engine.ensure() is False
    assert engine.started() is None
    engine.stop()
    assert host.calls == []


def test_root_starts_it_and_ends_the_one_it_started(host: Host) -> None:
    assert engine.ensure() is True
    record = engine.started()
    assert record is not None
    assert record.pid is not None
    assert engine.ensure() is False, "it runs by now"
    engine.stop()
    assert find(record.pid) is None
    assert engine.started() is None
    assert host.calls == ["dockerd"]


def test_where_a_service_manager_runs_it_starts_the_service(host: Host) -> None:
    (host.folder / "systemd").mkdir()
    host.program("systemctl", "echo Unit docker.service is masked. >&2; exit 1")
    with pytest.raises(BakewellError, match=r"systemctl start docker failed: Unit docker\.service is masked"):
        engine.ensure()
    host.program("systemctl", f'case "$1" in start) touch {host.folder}/up;; stop) rm {host.folder}/up;; esac')
    assert engine.ensure() is True
    assert engine.started() == engine.Started(pid=None)
    engine.stop()
    assert host.calls[1:] == ["systemctl start docker", "systemctl stop docker.socket docker"]


def test_root_installs_it_from_the_distribution(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_ = host.folder / "bin"
    (bin_ / "dockerd").rename(bin_ / "dockerd-of-the-distribution")
    # Not even the one of the machine that runs the tests; what the fakes need stays.
    for tool in ("sh", "touch", "sleep", "mv"):
        (bin_ / tool).symlink_to(Path("/bin") / tool)
    monkeypatch.setenv("PATH", str(bin_))
    host.program("apt-get", "echo no network; exit 100")
    with pytest.raises(BakewellError, match="apt-get update failed") as error:
        engine.ensure()
    assert error.value.file is not None
    assert "no network" in Path(error.value.file).read_text()

    host.program("apt-get", f'[ "$1" = update ] || mv {bin_}/dockerd-of-the-distribution {bin_}/dockerd')
    assert engine.ensure() is True
    assert [call.split()[:2] for call in host.calls[1:3]] == [["apt-get", "update"], ["apt-get", "install"]]
    assert "docker.io" in host.calls[2]


def test_of_two_that_want_it_started_at_once_one_starts_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("bakewell_local.toolchain.folders.say", lambda _name, text: said.append(text))
    lock = FileLock(engine._record().with_name("lock"))
    engine._record().parent.mkdir(parents=True)
    answers: list[bool] = []
    with lock:
        second = threading.Thread(target=lambda: answers.append(engine.ensure()))
        second.start()
        until(lambda: said, what="it did not wait")
        (host.folder / "up").touch()  # what the first did
    second.join(LONGEST)
    assert answers == [False]
    assert host.calls == []


def test_a_later_process_with_the_same_pid_is_not_ours(host: Host) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        engine._remember(engine.Started(pid=stranger.pid, born=1.0))
        assert engine.started() is None
        engine.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_dockerd_that_ends_at_once_is_told_with_its_last_word(host: Host) -> None:
    host.program("dockerd", "echo cannot mount cgroups; exit 1")
    with pytest.raises(BakewellError, match=r"ended at once \(status 1\)(.|\n)*cannot mount cgroups"):
        engine.ensure()


@pytest.mark.parametrize(
    ("why", "docker_host", "remedy"),
    [
        (NOBODY, None, "start Docker"),
        ("the Docker Engine runs, but this user may not use it", None, "join the group docker"),
        (NOBODY, "tcp://10.0.0.1:2375", "unset DOCKER_HOST"),
    ],
)
def test_who_can_not_start_it_is_told_what_to_do(
    host: Host, monkeypatch: pytest.MonkeyPatch, why: str, docker_host: str | None, remedy: str
) -> None:
    monkeypatch.setattr(engine, "problem", lambda: why)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
    with pytest.raises(BakewellError) as error:
        engine.ensure()
    assert remedy in error.value.remedy
    assert host.calls == []


def test_an_engine_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    assert engine.problem() == NOBODY
