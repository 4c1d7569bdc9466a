"""The step ansible, with the real ansible-core: what it is given, and what is said about a play that fails.

A machine is not needed for that: here the plays' connection leads to this host, and they write to the test's folder.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pyinfra.api import DeployError, output
from pyinfra.api.exceptions import PyinfraError
from steps import ansible

from tests.unit.steps.harness import Operation, given

ROOT = Path(__file__).resolve().parents[3]
PASSWORD, TOKEN = "vault's pass", "s3cr3t {{ word }}"
PLAYBOOK = """
- hosts: %s
  gather_facts: false
  vars_files: [secret.yml]
  tasks:
    - name: Write what it knows
      copy:
        dest: "{{ folder }}/seen"
        content: "{{ port }} {{ TOKEN }} {{ sealed }} {{ lookup('env', 'APP_ENV') }}|{{ group_names }}"
    - name: Fail where it is asked to
      command: "false"
      when: broken | default(false)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A role's folder, where the build runs, with a playbook and a file that `ansible-vault` encrypted."""
    (tmp_path / "ansible").mkdir()
    write(tmp_path, "default")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ansible, "connection", lambda: {"ansible_connection": "local"})
    monkeypatch.setattr(ansible, "REMOTE", str(tmp_path / "remote"))
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    vault = [sys.executable, "-I", "-m", "ansible", "vault", "encrypt", f"--vault-password-file={password}"]
    sealed = tmp_path / "ansible" / "secret.yml"
    subprocess.run([*vault, "--output", sealed], input="sealed: opened\n", text=True, check=True, capture_output=True)
    password.unlink()
    return tmp_path


def write(folder: Path, hosts: str) -> None:
    (folder / "ansible" / "playbook.yml").write_text(PLAYBOOK % hosts)


def play(folder: Path, groups: tuple[str, ...] = (), **more: object) -> list[Operation]:
    variables = {"port": 80, "folder": str(folder), "ansible_python_interpreter": sys.executable, **more}
    step = lambda: ansible.play(  # noqa: E731
        "ansible/playbook.yml", extra_vars=variables, groups=groups, secrets=["TOKEN"], vault_password="VAULT"
    )
    return given(step, data={"secrets": {"TOKEN": TOKEN, "VAULT": PASSWORD}}, host="@local")


def test_a_play_knows_its_variables_secrets_and_groups_and_nothing_of_this_host(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "blue")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/elsewhere")
    heard: list[str] = []
    monkeypatch.setattr(output, "_echo", lambda line, **how: heard.append(line))
    write(folder, "web")
    [operation] = play(folder, groups=("web",))
    assert (folder / "seen").read_text() == f"80 {TOKEN} opened blue|['web']"
    assert any("TASK [Write what it knows]" in line for line in heard)
    assert not any(word in line for word in ("s3cr3t", PASSWORD) for line in heard), "not even in a warning"
    assert operation.name == "Ansible | ansible/playbook.yml"
    assert operation.commands == ["ansible-playbook playbook.yml", f"rm -rf {folder}/remote"]


def test_a_task_that_fails_is_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PyinfraError):
        play(folder, broken=True)
    assert "playbook.yml ended with exit status 2, at the task `Fail where it is asked to`" in caplog.text
    assert "remedy: correct playbook.yml, at the task `Fail where it is asked to`" in caplog.text


def test_a_play_for_hosts_that_there_are_not_fails(folder: Path) -> None:
    write(folder, "databases")
    with pytest.raises(PyinfraError):
        play(folder)


def test_whatever_host_a_play_names_is_the_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    led: list[dict[str, object]] = []
    data = {"ssh_port": 2222, "ssh_user": "root", "ssh_key": "key"}
    given(lambda: led.append(ansible.connection()), data=data)
    [variables] = led
    assert variables["ansible_connection"] == "ssh", "as an extra variable it comes before `connection: local`"
    assert (variables["ansible_host"], variables["ansible_port"]) == ("@fake", 2222)
    assert variables["ansible_ssh_private_key_file"] == str(Path("key").absolute())


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: ansible.play("ansible/none.yml"), "no playbook ansible/none.yml"),
        (lambda: ansible.play("/etc/passwd"), "no playbook /etc/passwd"),
        (lambda: ansible.play("ansible/playbook.yml", secrets=["NOPE"]), "wants the secret NOPE"),
        (lambda: ansible.play("ansible/playbook.yml", vault_password="NOPE"), "wants the secret NOPE"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is(
    call: Callable[[], None], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ansible").mkdir()
    write(tmp_path, "all")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeployError, match="remedy: ") as refused:
        given(call)
    assert what in str(refused.value)


def test_the_extra_is_what_the_step_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert extras["ansible"] == ansible.REQUIRED.read_text(encoding="utf-8").splitlines()[-1:]
    monkeypatch.setattr(ansible, "version", lambda name: "2.9.0")
    monkeypatch.chdir(ROOT)
    with pytest.raises(DeployError, match=r"ansible-core is 2\.9\.0") as refused:
        given(lambda: ansible.play("README.md"))
    assert "pip install 'bakewell[ansible]'" in str(refused.value)
