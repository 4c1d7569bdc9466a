"""The server as a process, with containers for machines: what only real ones show."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import paramiko
import pytest

from sandbox.machines import Machines
from tests.contract.served import Api, Check, until
from toolchain.build import Toolchain

pytestmark = pytest.mark.engine

USER_DATA = """#cloud-config
write_files:
  - path: /root/from-user-data
    content: "hello"
"""
TEMPLATE = """
packer {
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = ">= 1.4.1"
    }
  }
}
source "digitalocean" "one" {
  image                   = "debian-12-x64"
  region                  = "nyc3"
  size                    = "s-1vcpu-1gb"
  ssh_username            = "root"
  snapshot_name           = "by-packer"
  snapshot_regions        = ["fra1"]
  snapshot_tags           = ["bakewell:role:web"]
  tags                    = ["bakewell:builder"]
  temporary_key_pair_type = "ed25519"
}
build {
  sources = ["source.digitalocean.one"]
  provisioner "shell" {
    inline = ["echo baked > /root/baked"]
  }
  post-processor "manifest" {}
}
"""


class Process:
    """`python -m sandbox.digitalocean` on a state folder."""

    def __init__(self, state: Path, check: Check) -> None:
        self.state = state
        self._check = check
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "sandbox.digitalocean", "--state", str(self.state), "--action-seconds", "0.1"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
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
        self._process.communicate(timeout=60)
        return self._process.returncode


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, check: Check) -> Iterator[Process]:
    one = Process(tmp_path_factory.mktemp("real"), check)
    try:
        yield one
    finally:
        one.stop()
        Machines(one.about["cloud_id"]).purge()
        assert _labelled(one.about["cloud_id"]) == ([], [], [], [])


@dataclass
class Key:
    """A key pair whose public half is in the account under `id`."""

    pair: paramiko.PKey
    id: int


@pytest.fixture
def key(process: Process) -> Iterator[Key]:
    pair = paramiko.ECDSAKey.generate()
    body = {"name": "real", "public_key": f"{pair.get_name()} {pair.get_base64()}"}
    one = Key(pair, process.api.post("/v2/account/keys", body)["ssh_key"]["id"])
    yield one
    process.api.delete(f"/v2/account/keys/{one.id}")


def test_a_droplet_boots_and_its_snapshot_boots(process: Process, key: Key) -> None:
    api = process.api
    droplet = api.droplet("first", ssh_keys=[key.id], user_data=USER_DATA)
    assert (
        _run(droplet, key, "cloud-init status --wait >/dev/null; hostname; cat /root/from-user-data") == "first\nhello"
    )
    _run(droplet, key, "echo baked >/root/baked; sync")
    image = api.snapshot("real", droplet["id"])
    assert image["size_gigabytes"] > 0.1
    copy = api.droplet("second", image=image["id"], ssh_keys=[key.id])
    assert _run(copy, key, "cloud-init status --wait >/dev/null; hostname; cat /root/baked") == "second\nbaked"
    api.act(copy["id"], "reboot")
    assert _run(api.get(f"/v2/droplets/{copy['id']}")["droplet"], key, "cat /root/baked") == "baked"
    api.delete(f"/v2/images/{image['id']}")
    for each in (droplet, copy):
        api.destroy(each["id"])
    cloud_id = process.about["cloud_id"]
    until(lambda: _labelled(cloud_id)[:3], lambda found: found == ([], [], []))


def test_a_restart_keeps_machines_port_and_token(process: Process, key: Key) -> None:
    droplet = process.api.droplet("keeps", ssh_keys=[key.id])
    boot = _run(droplet, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid")
    before = process.about
    assert process.stop() == 0
    assert json.loads((process.state / "cloud.json").read_text())["pid"] is None
    process.start()
    assert process.about | {"pid": None} == before | {"pid": None}
    assert process.api.get(f"/v2/droplets/{droplet['id']}")["droplet"] == droplet
    assert _run(droplet, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid") == boot
    process.api.destroy(droplet["id"])


def test_it_listens_on_loopback_and_the_container_bridge_only(process: Process) -> None:
    bridge = Machines(process.about["cloud_id"]).bridge_address()
    port = int(process.about["port"])
    listening = {
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    }
    ours = {entry.split(":")[0] for entry in listening if int(entry.split(":")[1], 16) == port}
    assert ours == {socket.inet_aton(address)[::-1].hex().upper() for address in ("127.0.0.1", bridge)}


def test_the_token_is_for_its_owner_only(process: Process) -> None:
    assert (process.state / "cloud.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [["--state", "{state}"], ["--state", "{other}", "--port", "{port}"]])
def test_a_second_server_in_its_place_is_refused(process: Process, tmp_path: Path, words: list[str]) -> None:
    given = {"state": process.state, "other": tmp_path / "other", "port": process.about["port"]}
    command = [sys.executable, "-m", "sandbox.digitalocean", *(word.format(**given) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "another server runs" in done.stderr or "Address already in use" in done.stderr
    process.api.get("/v2/account")


def test_packer_builds_a_snapshot(process: Process, toolchain: Toolchain, tmp_path: Path, key: Key) -> None:
    (tmp_path / "one.pkr.hcl").write_text(TEMPLATE)
    environment = {
        **os.environ,
        "DIGITALOCEAN_TOKEN": process.about["token"],
        "DIGITALOCEAN_API_URL": process.about["endpoint"],
        "PACKER_PLUGIN_PATH": str(toolchain.packer_plugins),
        "PACKER_CONFIG_DIR": str(tmp_path / "config"),
        "CHECKPOINT_DISABLE": "1",
    }
    command = [str(toolchain.programs["packer"]), "build", "."]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = json.loads((tmp_path / "packer-manifest.json").read_text())["builds"][0]["artifact_id"]
    image = process.api.get(f"/v2/images/{built.split(':')[1]}")["image"]
    assert (image["name"], image["regions"], image["tags"]) == ("by-packer", ["nyc3", "fra1"], ["bakewell:role:web"])
    until(lambda: process.api.get("/v2/droplets")["droplets"], lambda droplets: not droplets)
    assert [k["name"] for k in process.api.get("/v2/account/keys")["ssh_keys"]] == ["real"]
    droplet = process.api.droplet("boots", image=image["id"], region="fra1", ssh_keys=[key.id])
    assert _run(droplet, key, "cat /root/baked") == "baked"
    process.api.destroy(droplet["id"])


def _run(droplet: dict[str, Any], key: Key, command: str) -> str:
    """What the command prints on the droplet, by SSH as root; waits until it answers."""
    address = droplet["networks"]["v4"][0]["ip_address"]
    end = time.monotonic() + 90
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect(address, username="root", pkey=key.pair, timeout=5, look_for_keys=False, allow_agent=False)
        except (OSError, paramiko.SSHException):
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
            continue
        with client:
            _, out, errors = client.exec_command(command, timeout=90)
            text = out.read().decode().strip()
            assert out.channel.recv_exit_status() == 0, text + errors.read().decode()
            return text


def _labelled(cloud_id: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Containers, images, volumes and networks of the cloud."""
    ours = {"label": f"bakewell={cloud_id}"}
    with closing(docker.from_env()) as client:
        containers = [str(c["Id"]) for c in client.api.containers(all=True, filters=ours)]
        images = [str(i["Id"]) for i in client.api.images(filters=ours)]
        volumes = [str(v.id) for v in client.volumes.list(filters=ours)]
        networks = [str(n.id) for n in client.networks.list(filters=ours)]
    return containers, images, volumes, networks
