"""A machine as its operator sees it: a shell over SSH, and Consul's answers from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from tests.waiting import LONGEST


@dataclass(frozen=True)
class Machine:
    """One machine of a stack.

    Attributes:
        address: where it answers.
        key: the private key that it lets in.
    """

    address: str
    key: Path

    def run(self, command: str, *, check: bool = True) -> str:
        """What `command` prints, run by root's shell. A failure carries what it said."""
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            self.address,
            username="root",
            pkey=paramiko.PKey.from_path(str(self.key)),
            timeout=LONGEST,
            allow_agent=False,
            look_for_keys=False,
        )
        with client:
            _, output, errors = client.exec_command(command, timeout=LONGEST)
            said = output.read().decode()
            if check and output.channel.recv_exit_status() != 0:
                raise AssertionError(f"{self.address}: {command}\n{said}{errors.read().decode()}")
        return said

    def ask_consul(self, path: str) -> Any:
        """The answer of the machine's own agent to GET /v1/`path`."""
        return json.loads(self.run(f"curl -fsS 'http://127.0.0.1:8500/v1/{path}'"))
