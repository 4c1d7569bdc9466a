"""The server as a process, with containers for machines: what only real ones show."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import paramiko
import pytest

from sandbox.machines import Machines
from sandbox.serving.state import listen
from tests.contract.process import Key, Process, labelled, processing, run
from tests.contract.served import Check
from tests.waiting import until
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


def test_a_droplet_boots_and_its_snapshot_boots(process: Process, key: Key) -> None:
    api = process.api
    droplet = api.droplet("first", ssh_keys=[key.id], user_data=USER_DATA)
    assert (
        run(droplet, key, "cloud-init status --wait >/dev/null; hostname; cat /root/from-user-data") == "first\nhello"
    )
    run(droplet, key, "echo baked >/root/baked; sync")
    image = api.snapshot("real", droplet["id"])
    assert image["size_gigabytes"] > 0.1
    copy = api.droplet("second", image=image["id"], ssh_keys=[key.id])
    assert run(copy, key, "cloud-init status --wait >/dev/null; hostname; cat /root/baked") == "second\nbaked"
    api.act(copy["id"], "reboot")
    assert run(api.get(f"/v2/droplets/{copy['id']}")["droplet"], key, "cat /root/baked") == "baked"
    api.delete(f"/v2/images/{image['id']}")
    for each in (droplet, copy):
        api.destroy(each["id"])
    cloud_id = process.about["cloud_id"]
    until(lambda: labelled(cloud_id)[:3], lambda found: found == ([], [], []))


def test_a_restart_keeps_machines_port_and_token(process: Process, key: Key) -> None:
    droplet = process.api.droplet("keeps", ssh_keys=[key.id])
    boot = run(droplet, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid")
    before = process.about
    assert process.stop() == 0
    assert json.loads((process.state / "cloud.json").read_text())["pid"] is None
    process.start()
    assert process.about | {"pid": None} == before | {"pid": None}
    assert process.api.get(f"/v2/droplets/{droplet['id']}")["droplet"] == droplet
    assert run(droplet, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid") == boot
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


def test_a_port_that_another_has_by_now_is_given_up(tmp_path: Path, check: Check) -> None:
    with processing(tmp_path, check) as process:
        before = process.about
        process.stop()
        with closing(listen("127.0.0.1", before["port"])):
            process.start()
            assert process.about["port"] != before["port"]
            assert process.about["endpoint"].endswith(f":{process.about['port']}")
            assert {**process.about, **{k: before[k] for k in ("port", "endpoint", "pid")}} == before
            process.api.get("/v2/account")
            assert f"port {before['port']}, ours in the last run, is another's now" in (tmp_path / "log").read_text()
        after = process.about
        process.stop()
        process.start()
        assert process.about["port"] == after["port"]


def test_its_owner_logs_in_with_the_key_that_the_first_start_made(tmp_path: Path, check: Check) -> None:
    file = tmp_path / "ssh" / "id_ed25519"
    with processing(tmp_path / "cloud", check, "--key", str(file)) as process:
        (known,) = process.api.get("/v2/account/keys")["ssh_keys"]
        assert known["name"] == "local-cloud"
        droplet = process.api.droplet(ssh_keys=[known["id"]])
        assert run(droplet, Key(paramiko.Ed25519Key.from_private_key_file(str(file)), known["id"]), "id -un") == "root"
        process.api.delete(f"/v2/account/keys/{known['id']}")
        process.stop()
        process.start()
        (again,) = process.api.get("/v2/account/keys")["ssh_keys"]
        assert (again["name"], again["public_key"]) == (known["name"], known["public_key"])


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
    assert run(droplet, key, "cat /root/baked") == "baked"
    process.api.destroy(droplet["id"])
