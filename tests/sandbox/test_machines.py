"""The local cloud's machines, on a real engine: one machine, its snapshot, and what is left afterwards."""

from __future__ import annotations

import http.server
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import docker
import paramiko
import pytest

from sandbox.machines import MachineError, Machines, base_image
from sandbox.machines.machines import SEED
from tests.waiting import LONGEST

pytestmark = pytest.mark.engine

KEY = paramiko.ECDSAKey.generate()
PUBLIC_KEY = f"{KEY.get_name()} {KEY.get_base64()}"
USER_DATA = "#cloud-config\nruncmd:\n  - echo ran >>/root/user-data\n"


def run(address: str, command: str) -> str:
    """What the command prints, as root; waits for the machine to answer."""
    deadline = time.monotonic() + LONGEST
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect(address, username="root", pkey=KEY, timeout=5, allow_agent=False, look_for_keys=False)
            _, stdout, stderr = client.exec_command(command, timeout=LONGEST)
            text = stdout.read().decode()
            code = stdout.channel.recv_exit_status()
            assert code == 0, f"{command}: {code}: {text}{stderr.read().decode()}"
            return text.strip()
        except (OSError, paramiko.SSHException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            client.close()


def left_of(cloud_id: str) -> list[str]:
    """Names of everything on the engine with the cloud's label."""
    ours = {"label": f"bakewell={cloud_id}"}
    with closing(docker.from_env()) as client:
        containers = [str(one.name) for one in client.containers.list(all=True, filters=ours)]
        images = [str(one.id) for one in client.images.list(all=True, filters=ours)]
        volumes = [str(one.name) for one in client.volumes.list(filters=ours)]
        networks = [str(one.name) for one in client.networks.list(filters=ours)]
    return containers + images + volumes + networks


@pytest.fixture
def machines() -> Iterator[Machines]:
    cloud = Machines(f"test-{uuid.uuid4().hex[:8]}")
    yield cloud
    cloud.purge()


def boot(machines: Machines, name: str, image: str, user_data: str | None = None) -> str:
    return machines.create(
        name, image, hostname=f"host-{name}", instance_id=f"i-{name}", user_data=user_data, public_keys=[PUBLIC_KEY]
    )


def test_life_of_a_machine_and_its_snapshot() -> None:
    cloud_id = f"test-{uuid.uuid4().hex[:8]}"
    machines = Machines(cloud_id)
    tag = f"bakewell/{cloud_id}:1"
    child_tag = f"bakewell/{cloud_id}:2"
    try:
        first = boot(machines, "one", base_image.ensure(print), USER_DATA)
        assert run(first, "cloud-init status --wait").endswith("status: done")
        assert run(first, "hostname; cat /root/user-data; systemctl is-system-running") == "host-one\nran\nrunning"
        assert not run(first, "grep -E 'WARNING|ERROR' /var/log/cloud-init.log || true")
        with pytest.raises(MachineError, match="it runs"):
            machines.commit("one", tag)

        machines.stop("one", graceful=True)
        assert machines.exists("one")
        assert not machines.running("one")
        size = machines.commit("one", tag)
        assert size == machines.image_size(tag) > 100_000_000

        second = boot(machines, "two", tag)
        assert second != first, "the address of a machine that is off is not free"
        assert machines.start("one") == first
        assert run(second, "cloud-init status --wait").endswith("status: done")
        assert run(second, "hostname; cat /var/lib/cloud/data/instance-id") == "host-two\ni-two"
        assert run(second, "cat /root/user-data") == "ran", "the first machine's user_data ran again"
        machines.reboot("one")
        assert run(first, "cloud-init status --wait && cat /root/user-data").endswith("\nran"), "once an instance"

        machines.stop("two", graceful=False)
        machines.commit("two", child_tag)
        machines.remove_image(tag)
        with pytest.raises(MachineError, match="no such image"):
            machines.image_size(tag)
        machines.remove("two")
        machines.remove("two")
        assert not machines.exists("two")
        third = boot(machines, "three", child_tag)
        assert third not in (first, second), "an address was given out again at once"
        assert left_of(cloud_id)
    finally:
        machines.purge()
    assert left_of(cloud_id) == []


def test_a_snapshot_has_no_seed(machines: Machines) -> None:
    image = base_image.ensure(print)
    boot(machines, "one", image, "#cloud-config\n# nobody else's business\n")
    machines.stop("one", graceful=False)
    name = machines.bridge_address().replace(".", "-")
    tag = f"bakewell/{name}:1"
    machines.commit("one", tag)
    with closing(docker.from_env()) as client:
        assert client.containers.run(tag, ["find", SEED, "-type", "f"], remove=True) == b""


def test_a_machine_reaches_the_host_and_clouds_have_networks_of_their_own(machines: Machines) -> None:
    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    other_id = f"test-{uuid.uuid4().hex[:8]}"
    other = Machines(other_id)
    try:
        assert machines.bridge_address() != other.bridge_address()
        with http.server.ThreadingHTTPServer((machines.bridge_address(), 0), Hello) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = boot(machines, "one", base_image.ensure(print))
            url = f"http://{machines.bridge_address()}:{server.server_port}/"
            assert run(address, f"curl -sS {url}") == "hello"
            server.shutdown()
        other_has = left_of(other_id)
        machines.purge()
        assert left_of(other_id) == other_has, "a purge took what belongs to another cloud"
    finally:
        other.purge()


def test_what_is_not_there_is_named(machines: Machines) -> None:
    with pytest.raises(MachineError, match=r"machine one from bakewell/nowhere:1: no such image"):
        boot(machines, "one", "bakewell/nowhere:1")
    assert not machines.exists("one")
    with pytest.raises(MachineError, match="starting machine one: not found"):
        machines.start("one")
    machines.remove_image("bakewell/nowhere:1")


def test_docker_out_of_reach_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    with pytest.raises(MachineError, match="reaching Docker: Docker does not answer") as caught:
        Machines("test-nowhere")
    assert "DOCKER_HOST" in caught.value.remedy
    monkeypatch.setenv("DOCKER_HOST", "tcp://ann:s3cret@127.0.0.1:1")
    with pytest.raises(MachineError, match=r"tcp://\*\*\*@127\.0\.0\.1:1") as caught:
        Machines("test-nowhere")
    assert "s3cret" not in str(caught.value)


def test_a_machine_that_ends_at_once_is_no_machine(machines: Machines) -> None:
    broken = f"bakewell/{uuid.uuid4().hex[:8]}:broken"
    address = boot(machines, "to-break", base_image.ensure(print))
    run(address, "printf '#!/bin/sh\\nexit 255\\n' > /tmp/it && chmod +x /tmp/it && mv /tmp/it /lib/systemd/systemd")
    machines.stop("to-break", graceful=False)
    machines.commit("to-break", broken)
    with pytest.raises(MachineError, match="ended as soon as it was started") as refused:
        boot(machines, "broken", broken)
    assert "max_user_instances" in refused.value.remedy
    assert not machines.exists("broken")
