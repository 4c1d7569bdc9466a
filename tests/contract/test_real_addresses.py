"""Reserved IPs that machines really answer on, and machines that go off by themselves or with their engine."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.contract.engine_proxy import EngineProxy
from tests.contract.process import Key, Process, processing, run
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


def test_a_reserved_ip_goes_where_it_is_assigned(process: Process, key: Key) -> None:
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

    process.stop()
    with closing(docker.from_env()) as engine:
        engine.containers.get(container(process, two)).kill()
    process.start()
    api = process.api
    answers(ip, "two")

    api.destroy(two["id"])
    assert api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["droplet"] is None
    assert said(ip) == ""
    assign(api, ip, one)
    assert both() == ("one", "one")
    api.delete(f"/v2/reserved_ips/{ip}")
    assert said(ip) == ""
    for droplet in (one, other):
        api.destroy(droplet["id"])


def test_a_machine_that_powers_itself_off_is_off(process: Process, key: Key) -> None:
    api = process.api
    droplet = api.droplet("tired", ssh_keys=[key.id])
    run(droplet, key, "systemd-run --on-active=0.2 systemctl poweroff")
    until(lambda: api.get(f"/v2/droplets/{droplet['id']}")["droplet"]["status"], lambda status: status == "off")
    assert api.act(droplet["id"], "power_on")["status"] == "completed"
    run(droplet, key, "true")
    api.destroy(droplet["id"])


def test_machines_that_went_off_with_their_engine_run_again(tmp_path: Path, check: Check) -> None:
    proxy = EngineProxy()
    with processing(tmp_path, check, DOCKER_HOST=proxy.host) as process, closing(docker.from_env()) as engine:
        api = process.api
        droplet, off = (api.droplet(name, user_data=USER_DATA) for name in ("runs", "off"))
        assert api.act(off["id"], "power_off")["status"] == "completed"
        ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
        assign(api, ip, droplet)
        answers(ip, "runs")
        proxy.cut()
        engine.containers.get(container(process, droplet)).kill()
        assert said(ip) == ""
        proxy.restore()
        answers(ip, "runs")
        statuses = {d["name"]: d["status"] for d in api.get("/v2/droplets")["droplets"]}
        assert statuses == {"runs": "active", "off": "off"}
        assert engine.containers.get(container(process, off)).status == "exited"
    proxy.cut()
