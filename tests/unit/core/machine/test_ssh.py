from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

from bakewell.errors import ConfigError
from bakewell.machine import ssh as module
from bakewell.machine.ssh import KeyRefused, Ssh, Unreachable
from tests.unit.core.machine.sshd import Sshd

LOOPBACK = "127.0.0.1"


def keygen(path: Path, *options: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-f", path, *options], check=True)
    return path


def test_commands_run_over_one_connection(sshd: Sshd, key: Path) -> None:
    sshd.known = paramiko.PKey.from_path(key)
    sshd.answer = lambda command: (3, f"{command}!\n")
    with Ssh(LOOPBACK, key) as shell:
        for command in ("first", "second"):
            done = shell.run(command)
            assert (done.status, done.text) == (3, f"{command}!\n")
    assert sshd.logins == 1


def test_a_connection_that_broke_is_made_again(sshd: Sshd, key: Path) -> None:
    def breaks(command: str) -> tuple[int, str]:
        if command == "reboot":
            raise ConnectionError
        return 0, "up"

    sshd.answer = breaks
    with Ssh(LOOPBACK, key) as shell:
        with pytest.raises(Unreachable):
            shell.run("reboot", timeout=5)
        assert shell.run("uptime").text == "up"
    assert sshd.logins == 2


def test_an_answer_that_takes_too_long_is_none(sshd: Sshd, key: Path) -> None:
    gate = threading.Event()
    sshd.answer = lambda command: (int(gate.wait(20)), "")
    with Ssh(LOOPBACK, key) as shell, pytest.raises(Unreachable, match="no answer"):
        shell.run("sleep", timeout=0.2)
    gate.set()


@pytest.mark.parametrize("lines", [1, 200])
def test_an_answer_without_an_end_is_none(sshd: Sshd, key: Path, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    monkeypatch.setattr(module, "LIMIT", 1000)
    sshd.answer = lambda command: (0, "a line\n" * lines)
    with Ssh(LOOPBACK, key) as shell:
        if lines == 1:
            assert shell.run("yes").text == "a line\n"
            return
        with pytest.raises(Unreachable, match="has no end"):
            shell.run("yes")


def test_where_nothing_listens_that_is_said(monkeypatch: pytest.MonkeyPatch, key: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as gone:
        monkeypatch.setattr(module, "PORT", gone.getsockname()[1])
    with Ssh(LOOPBACK, key) as shell, pytest.raises(Unreachable, match="connection refused"):
        shell.run("true")


def test_a_key_that_nobody_knows_is_refused(sshd: Sshd, key: Path) -> None:
    sshd.known = paramiko.ECDSAKey.generate()
    with Ssh(LOOPBACK, key) as shell, pytest.raises(KeyRefused, match="takes none of the keys"):
        shell.run("true")


def test_without_any_key_it_says_where_to_put_one(sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Ssh(LOOPBACK, None) as shell, pytest.raises(ConfigError, match="BAKEWELL_SSH_KEY"):
        shell.run("true")


def test_keys_of_the_home_folder_serve(sshd: Sshd, key: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(key.read_bytes())
    sshd.known = paramiko.PKey.from_path(key)
    with Ssh(LOOPBACK, None) as shell:
        assert shell.run("true").status == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-t", "ed25519", "-N", "a passphrase"], "has a passphrase"),
        (["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "a passphrase"], "has a passphrase"),
        (None, "is no private SSH key"),
    ],
)
def test_a_key_that_cannot_be_used_is_bad_input(tmp_path: Path, options: list[str] | None, said: str) -> None:
    path = tmp_path / "key"
    if options is None:
        path.write_text("ssh-ed25519 AAAA is the public half\n")
    else:
        keygen(path, *options)
    with pytest.raises(ConfigError, match=said) as caught:
        Ssh(LOOPBACK, path)
    assert caught.value.file == str(path)
    assert "BAKEWELL_SSH_KEY" in caught.value.remedy


def test_a_key_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            Ssh(LOOPBACK, path)
