"""Ansible playbooks that a team has already. ansible-core runs on this host and works on the builder by SSH.

    ansible.play("ansible/playbook.yml", extra_vars={"port": 80}, groups=["web"], vault_password="VAULT_PASSWORD")

Every host of a playbook is the builder, which is `default` in the inventory: also `localhost`, whatever a task is
delegated to, and plays with `connection: local`. So a playbook that was written for Packer's ansible-local changes the
builder and never this host. Lookups, and files that a playbook reads or writes for itself, are this host's, as always.

Collections and roles that requirements.yml beside the playbook names are installed for this run alone. No configuration
of this host counts: neither ~/.ansible.cfg nor /etc/ansible, no collection or role that is installed elsewhere and no
variable of the environment. An ansible.cfg beside the playbook does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import validate_call
from pyinfra import host
from pyinfra.api import DeployError, QuoteString, StringCommand, operation
from pyinfra.api.output import echo
from pyinfra.connectors.util import CommandOutput, OutputLine

if TYPE_CHECKING:
    from pyinfra.api.arguments import ConnectorArguments
    from pyinfra.api.host import Host
    from pyinfra.api.state import State

REQUIRED = Path(__file__).parent / "requirements.txt"
REMOTE = "/tmp/bakewell-ansible"
"""Where modules work on the builder."""

SECRET, PASSWORD = "BAKEWELL_SECRET_", "BAKEWELL_VAULT_PASSWORD"
"""Variables of Ansible's environment that hold secrets."""

SSH = (
    *("-F", os.devnull),
    *("-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "StrictHostKeyChecking=no"),
    *("-o", "IdentitiesOnly=yes"),
    *("-o", "IdentityAgent=none"),
    *("-o", "LogLevel=ERROR"),
)
"""As PyInfra's own connection: nothing of the user's, and no host key of a machine that lives for minutes."""

ANSIBLE = [sys.executable, "-I", "-m", "ansible"]


@validate_call
def play(
    playbook: str,
    extra_vars: Mapping[str, Any] = {},
    groups: Sequence[str] = (),
    secrets: Sequence[str] = (),
    vault_password: str = "",
) -> None:
    """Play a playbook on the builder.

    Args:
        playbook: a path below the role's folder. Put it into a folder of its own, such as ansible/.
        extra_vars: variables that come before all others.
        groups: of the inventory, with the builder in each.
        secrets: names of image.toml's table of secrets: each is an extra variable of that name.
        vault_password: the secret that opens what `ansible-vault` encrypted; "" where nothing is.

    Raises:
        DeployError: no such playbook, a secret that is not declared, or another ansible-core than REQUIRED states.
    """
    here, path = Path.cwd().resolve(), (Path.cwd() / playbook).resolve()
    if not path.is_relative_to(here) or not path.is_file():
        raise DeployError(
            f"there is no playbook {playbook} in the image's folder\nremedy: name one, such as ansible/a.yml"
        )
    _check_version()
    declared = host.data.get("secrets") or {}
    for name in (*secrets, *filter(None, [vault_password])):
        if name not in declared:
            raise DeployError(
                f"{playbook} wants the secret {name}, which its image does not declare\n"
                f'remedy: declare it in image.toml: [secrets] {name} = "what it is for"'
            )
    hidden = {name: str(declared[name]) for name in secrets}
    password = str(declared[vault_password]) if vault_password else ""
    _play(
        name=f"Ansible | {playbook}",
        playbook=path,
        variables=extra_vars,
        secrets=hidden,
        groups=groups,
        password=password,
    )


@operation(is_idempotent=False)
def _play(
    playbook: Path, variables: Mapping[str, Any], secrets: Mapping[str, str], groups: Sequence[str], password: str
) -> Generator[str | StringCommand, None, None]:
    yield _Play(playbook, variables, secrets, groups, password)
    yield f"rm -rf {REMOTE}"


def connection() -> dict[str, Any]:
    """Variables that lead to the builder. As extra variables they come before whatever a play or a task says."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": host.name,
        "ansible_port": host.data.get("ssh_port"),
        "ansible_user": host.data.get("ssh_user"),
        "ansible_ssh_private_key_file": str(Path(str(host.data.get("ssh_key"))).absolute()),
        "ansible_ssh_common_args": " ".join(SSH),
    }


def settings(work: Path, config: Path) -> dict[str, str]:
    """The environment of Ansible's programs: what this process has, and nothing of the user's.

    Args:
        work: a folder for this run.
        config: the ansible.cfg that counts.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "BUILD_"))}
    return kept | {
        "HOME": str(work),
        "ANSIBLE_HOME": str(work),
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_LOCAL_TEMP": str(work / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(work / "collections"),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "ANSIBLE_ROLES_PATH": str(work / "roles"),
        "ANSIBLE_REMOTE_TMP": REMOTE,
        "ANSIBLE_ASYNC_DIR": f"{REMOTE}/async",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        # A play for hosts that the inventory does not know would do nothing, and succeed.
        "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }


def _check_version() -> None:
    """Raises DeployError unless ansible-core is the one that REQUIRED states, which the fingerprint covers."""
    lines = REQUIRED.read_text(encoding="utf-8").splitlines()
    (wanted,) = (line.partition("==")[2] for line in lines if line.startswith("ansible-core=="))
    try:
        installed = version("ansible-core")
    except PackageNotFoundError:
        installed = "not installed"
    if installed != wanted:
        raise DeployError(
            f"ansible-core is {installed}, but the step ansible requires {wanted}\n"
            f"remedy: pip install 'bakewell[ansible]', into the environment of {sys.executable}"
        )


class _Play(StringCommand):
    """ansible-playbook on this host; shown line by line while it runs, and told by its task where it fails."""

    def __init__(
        self,
        playbook: Path,
        variables: Mapping[str, Any],
        secrets: Mapping[str, str],
        groups: Sequence[str],
        password: str,
    ) -> None:
        super().__init__("ansible-playbook", QuoteString(playbook.name))
        self._playbook, self._variables, self._secrets = playbook, variables, secrets
        self._groups, self._password = groups, password

    def execute(self, state: State, host: Host, connector_arguments: ConnectorArguments) -> tuple[bool, CommandOutput]:
        del state, connector_arguments
        with tempfile.TemporaryDirectory(prefix="bw-") as folder:
            work = Path(folder).resolve()
            config = self._playbook.with_name("ansible.cfg")
            if not config.is_file():
                config = work / "ansible.cfg"
                config.touch()
            environ = settings(work, config)
            for words in self._installs(work):
                if status := self._run(host, words, environ)[0]:
                    return _failed(
                        f"what {self._playbook.parent.name}/requirements.yml names could not be installed ({status})",
                        "see that this host reaches where they come from; their versions are in that file",
                    )
            inventory = work / "inventory.json"
            children: dict[str, Any] = {name: {"hosts": {"default": {}}} for name in self._groups}
            inventory.write_text(json.dumps({"all": {"hosts": {"default": {}}, "children": children}}))
            # Secrets go by the environment: Ansible quotes a file of variables in its warnings.
            told = {name: f"{{{{ lookup('ansible.builtin.env', '{SECRET}{name}') }}}}" for name in self._secrets}
            environ |= {f"{SECRET}{name}": text for name, text in self._secrets.items()}
            variables = work / "extra-vars.json"
            python = {"ansible_python_interpreter": "auto_silent"}
            variables.write_text(json.dumps({**python, **self._variables, **told, **connection()}, indent=1))
            words = [*ANSIBLE, "playbook", "--inventory", str(inventory), "--extra-vars", f"@{variables}"]
            if self._password:
                environ[PASSWORD] = self._password
                program = work / "vault-password"
                program.write_text(f'#!/bin/sh\nprintf %s "${PASSWORD}"\n')
                program.chmod(0o700)
                words += ["--vault-password-file", str(program)]
            status, task = self._run(host, [*words, str(self._playbook)], environ)
        if not status:
            return True, CommandOutput([])
        at = f", at the task `{task}`" if task else ""
        return _failed(
            f"{self._playbook.name} ended with exit status {status}{at}",
            f"correct {self._playbook.name}{at}: the log has what Ansible said",
        )

    def _installs(self, work: Path) -> Iterator[list[str]]:
        """Commands that install the collections and roles of the requirements, those alone."""
        needed = self._playbook.with_name("requirements.yml")
        if not needed.is_file():
            return
        text = needed.read_text(encoding="utf-8")
        for kind in ("collection", "role"):
            if kind == "role" or "collections:" in text:
                where = ["-p", str(work / f"{kind}s")]
                yield [*ANSIBLE, "galaxy", kind, "install", "--no-deps", "-r", str(needed), *where]

    def _run(self, host: Host, words: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
        """The exit status, and the last task that began before the first one failed."""
        task, failed = "", False
        with subprocess.Popen(
            words,
            cwd=self._playbook.parent,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                if not line:
                    continue
                echo(f"{host.print_prefix}{self._playbook.name}: {line}", err=True)
                failed = failed or line.startswith(("fatal: ", "failed: "))
                if not failed and line.startswith(("TASK [", "RUNNING HANDLER [")):
                    task = line.partition("[")[2].rpartition("]")[0]
        return process.returncode, task if failed else ""


def _failed(what: str, remedy: str) -> tuple[bool, CommandOutput]:
    return False, CommandOutput([OutputLine("stderr", what), OutputLine("stderr", f"remedy: {remedy}")])
