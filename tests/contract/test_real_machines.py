"""The server as a process, with containers for machines: what only real ones show. One server serves all of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import paramiko
import pytest

from bakewell_local.sandbox.machines import Machines
from bakewell_local.sandbox.serving.state import listen
from tests.contract.engine_proxy import EngineProxy
from tests.contract.process import Key, Process, labelled, processing, run
from tests.contract.served import Api, Check
from tests.waiting import until

pytestmark = pytest.mark.engine

# Says its machine's name at port 80, after every boot.
USER_DATA = """#cloud-config
write_files:
  - path: /etc/systemd/system/name.service
    content: |
      [Service]
      ExecStartPre=/bin/sh -c 'mkdir -p /srv/name; hostname >/srv/name/index.html'
      ExecStart=/usr/bin/python3 -m http.server --directory /srv/name 80
      [Install]
      WantedBy=multi-user.target
runcmd:
  - systemctl daemon-reload
  - systemctl enable name.service
  - systemctl start --no-block name.service
"""


@pytest.fixture(scope="module")
def proxy() -> Iterator[EngineProxy]:
    """The server's way to its engine."""
    one = EngineProxy()
    yield one
    one.cut()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, check: Check, proxy: EngineProxy) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("real")
    key = str(folder / "ssh" / "id_ed25519")
    with processing(folder / "cloud", check, "--key", key, DOCKER_HOST=proxy.host) as one:
        yield one


@pytest.fixture
def key(process: Process) -> Key:
    """The owner's, which the first start made."""
    file = process.state.with_name("ssh") / "id_ed25519"
    (known,) = process.api.get("/v2/account/keys")["ssh_keys"]
    assert known["name"] == "local-cloud"
    return Key(paramiko.Ed25519Key.from_private_key_file(str(file)), known["id"])


def said(address: str) -> str:
    """What answers at the address, as this host sees it; "" for nothing."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
            return str(answer.read().decode().strip())
    except (urllib.error.URLError, OSError):
        return ""


def answers(address: str, name: str) -> None:
    """Waits until the machine of that name answers."""
    until(lambda: said(address), lambda text: text == name)


def assign(api: Api, ip: str, droplet: dict[str, Any]) -> None:
    action = api.post(f"/v2/reserved_ips/{ip}/actions", {"type": "assign", "droplet_id": droplet["id"]})["action"]
    assert api.done(action["id"])["status"] == "completed"


def container(process: Process, droplet: dict[str, Any]) -> str:
    return f"bakewell-{process.about['cloud_id']}-droplet-{droplet['id']}"


def status(api: Api, droplet: dict[str, Any]) -> str:
    return str(api.get(f"/v2/droplets/{droplet['id']}")["droplet"]["status"])


def test_a_droplet_boots_its_snapshot_boots_and_a_restart_of_the_server_keeps_them(process: Process, key: Key) -> None:
    api = process.api
    first = api.droplet("first", ssh_keys=[key.id], user_data=USER_DATA)
    assert run(first, key, "cloud-init status --wait >/dev/null; hostname; curl -sS localhost") == "first\nfirst"
    run(first, key, "echo baked >/root/baked; sync")
    image = api.snapshot("real", first["id"])
    assert image["size_gigabytes"] > 0.1
    copy = api.droplet("second", image=image["id"], ssh_keys=[key.id])
    assert run(copy, key, "cloud-init status --wait >/dev/null; hostname; cat /root/baked") == "second\nbaked"

    boot = run(copy, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid")
    before, keys = process.about, api.get("/v2/account/keys")
    assert process.stop() == 0
    assert json.loads((process.state / "cloud.json").read_text())["pid"] is None
    process.start()
    api = process.api
    assert process.about | {"pid": None} == before | {"pid": None}
    assert api.get("/v2/account/keys") == keys
    assert api.get(f"/v2/droplets/{copy['id']}")["droplet"] == copy
    assert run(copy, key, "cat /proc/sys/kernel/random/boot_id; readlink /proc/1/ns/pid") == boot

    api.act(copy["id"], "reboot")
    assert run(api.get(f"/v2/droplets/{copy['id']}")["droplet"], key, "cat /root/baked") == "baked"
    run(copy, key, "systemd-run --on-active=0.2 systemctl poweroff")
    until(lambda: status(api, copy), lambda seen: seen == "off")
    assert api.act(copy["id"], "power_on")["status"] == "completed"
    run(copy, key, "true")
    api.delete(f"/v2/images/{image['id']}")
    for each in (first, copy):
        api.destroy(each["id"])
    until(lambda: labelled(process.about["cloud_id"])[:3], lambda found: found == ([], [], []))


def test_it_listens_on_loopback_and_the_container_bridge_only(process: Process) -> None:
    bridge = Machines(process.about["cloud_id"]).bridge_address()
    port = int(process.about["port"])
    listening = {
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    }
    ours = {entry.split(":")[0] for entry in listening if int(entry.split(":")[1], 16) == port}
    assert ours == {socket.inet_aton(address)[::-1].hex().upper() for address in ("127.0.0.1", bridge)}
    assert (process.state / "cloud.json").stat().st_mode & 0o777 == 0o600, "the token is for its owner only"


@pytest.mark.parametrize("words", [["--state", "{state}"], ["--state", "{other}", "--port", "{port}"]])
def test_a_second_server_in_its_place_is_refused(process: Process, tmp_path: Path, words: list[str]) -> None:
    given = {"state": process.state, "other": tmp_path / "other", "port": process.about["port"]}
    command = [sys.executable, "-m", "bakewell_local.sandbox.digitalocean", *(word.format(**given) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "another server runs" in done.stderr or "Address already in use" in done.stderr
    process.api.get("/v2/account")


def test_a_port_that_another_has_by_now_is_given_up(process: Process) -> None:
    before = process.about
    process.stop()
    with closing(listen("127.0.0.1", before["port"])):
        process.start()
        assert process.about["port"] != before["port"]
        assert process.about["endpoint"].endswith(f":{process.about['port']}")
        assert {**process.about, **{k: before[k] for k in ("port", "endpoint", "pid")}} == before
        process.api.get("/v2/account")
        assert f"port {before['port']}, ours in the last run, is another's now" in (process.state / "log").read_text()
    after = process.about
    process.stop()
    process.start()
    assert process.about["port"] == after["port"]


def test_a_reserved_ip_goes_where_it_is_assigned_and_back_after_its_engine(
    process: Process, key: Key, proxy: EngineProxy
) -> None:
    api = process.api
    one, two = (api.droplet(name, ssh_keys=[key.id], user_data=USER_DATA) for name in ("one", "two"))
    other = api.droplet("other", ssh_keys=[key.id])
    for droplet in (one, two):
        answers(droplet["networks"]["v4"][0]["ip_address"], droplet["name"])
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    assert said(ip) == ""

    def both() -> tuple[str, str]:
        return said(ip), run(other, key, f"curl -s -m 2 http://{ip}/")

    assign(api, ip, one)
    assert both() == ("one", "one")
    # At once, though both know by now which machine had it. (That one might pass it on, while it is there.)
    assign(api, ip, two)
    assert run(two, key, "cat /sys/class/net/eth0/address") in run(other, key, f"ip neighbour show to {ip}")
    assert both() == ("two", "two")
    assert ip not in run(one, key, "ip address show")

    for type in ("reboot", "power_cycle"):
        assert api.act(two["id"], type)["status"] == "completed"
        answers(ip, "two")
    assert both() == ("two", "two")

    with closing(docker.from_env()) as engine:
        process.stop()
        engine.containers.get(container(process, two)).kill()
        process.start()
        api = process.api
        answers(ip, "two")

        assert api.act(other["id"], "power_off")["status"] == "completed"
        proxy.cut()
        engine.containers.get(container(process, two)).kill()
        assert said(ip) == ""
        proxy.restore()
        answers(ip, "two")
        assert [status(api, droplet) for droplet in (one, two, other)] == ["active", "active", "off"]
        assert engine.containers.get(container(process, other)).status == "exited"
    assert api.act(other["id"], "power_on")["status"] == "completed"

    api.destroy(two["id"])
    assert api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["droplet"] is None
    assert said(ip) == ""
    assign(api, ip, one)
    assert both() == ("one", "one")
    api.delete(f"/v2/reserved_ips/{ip}")
    assert said(ip) == ""
    for droplet in (one, other):
        api.destroy(droplet["id"])
