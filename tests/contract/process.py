"""The server as a process, with containers for machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import paramiko

from bakewell_local.sandbox.local_cloud import SERVER
from bakewell_local.sandbox.machines import Machines
from tests.contract.served import Api, Check
from tests.waiting import LONGEST, until


class Process:
    """`python -m bakewell_local.sandbox.digitalocean` on a state folder."""

    def __init__(self, state: Path, check: Check, *words: str, **environment: str) -> None:
        self.state = state
        self._check = check
        self._words = words
        self._environment = {**os.environ, **environment}
        self.start()

    def start(self) -> None:
        self.state.mkdir(exist_ok=True)
        command = [
            sys.executable,
            "-m",
            SERVER,
            "--state",
            str(self.state),
            "--action-seconds",
            "0.1",
        ]
        with (self.state / "log").open("a") as log:
            self._process = subprocess.Popen([*command, *self._words], env=self._environment, stderr=log)
        about = self.state / "cloud.json"
        self.about: dict[str, Any] = until(
            lambda: json.loads(about.read_text()) if about.exists() else {},
            lambda found: found.get("pid") == self._process.pid,
        )
        self.api = Api(self.about["endpoint"], self.about["token"], self._check)

    def stop(self) -> int:
        """Ends it by SIGTERM; its exit status."""
        self.api.http.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LONGEST)
        return self._process.returncode


@dataclass
class Key:
    """A key pair whose public half is in the account under `id`."""

    pair: paramiko.PKey
    id: int


@contextmanager
def processing(state: Path, check: Check, *words: str, **environment: str) -> Iterator[Process]:
    """A server that is ended at the end, with everything that its cloud made."""
    one = Process(state, check, *words, **environment)
    try:
        yield one
    finally:
        one.stop()
        Machines(one.about["cloud_id"]).purge()
        assert labelled(one.about["cloud_id"]) == ([], [], [], [])


def run(droplet: dict[str, Any], key: Key, command: str) -> str:
    """What the command prints on the droplet, by SSH as root; waits until it answers."""
    return ssh(droplet["networks"]["v4"][0]["ip_address"], key.pair, command)


def ssh(address: str, pair: paramiko.PKey, command: str) -> str:
    """What the command prints on a machine, as root; waits until it answers."""
    end = time.monotonic() + LONGEST
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect(address, username="root", pkey=pair, timeout=5, look_for_keys=False, allow_agent=False)
        except (OSError, paramiko.SSHException):
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
            continue
        with client:
            _, out, errors = client.exec_command(command, timeout=LONGEST)
            text = out.read().decode().strip()
            assert out.channel.recv_exit_status() == 0, text + errors.read().decode()
            return text


def labelled(cloud_id: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Containers, images, volumes and networks of the cloud."""
    ours = {"label": f"bakewell={cloud_id}"}
    with closing(docker.from_env()) as client:
        containers = [str(c["Id"]) for c in client.api.containers(all=True, filters=ours)]
        images = [str(i["Id"]) for i in client.api.images(filters=ours)]
        volumes = [str(v.id) for v in client.volumes.list(filters=ours)]
        networks = [str(n.id) for n in client.networks.list(filters=ours)]
    return containers, images, volumes, networks
