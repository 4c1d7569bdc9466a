"""The local cloud's machines, on a real engine: machines, their snapshots, and what is left afterwards."""

from __future__ import annotations

import http.server
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import docker
import paramiko
import pytest

from bakewell.machine.container import SEED
from bakewell_local.sandbox.machines import MachineError, Machines, base_image
from tests.contract.process import labelled, ssh

pytestmark = pytest.mark.engine

KEY = paramiko.ECDSAKey.generate()
PUBLIC_KEY = f"{KEY.get_name()} {KEY.get_base64()}"
USER_DATA = "#cloud-config\nruncmd:\n  - echo ran >>/root/user-data\n"
NOTHING: tuple[list[str], ...] = ([], [], [], [])


def run(address: str, command: str) -> str:
    return ssh(address, KEY, command)


@pytest.fixture
def cloud_id() -> Iterator[str]:
    """A cloud of which nothing is left at the end, though another has the same names."""
    ours, theirs = (f"test-{uuid.uuid4().hex[:8]}" for _ in range(2))
    other = Machines(theirs)
    try:
        assert other.bridge_address() != Machines(ours).bridge_address()
        before = labelled(theirs)
        yield ours
        Machines(ours).purge()
        assert labelled(ours) == NOTHING
        assert labelled(theirs) == before != NOTHING, "a purge took what belongs to another cloud"
    finally:
        Machines(ours).purge()
        other.purge()


def boot(machines: Machines, name: str, image: str, user_data: str | None = None) -> str:
    return machines.create(
        name, image, hostname=f"host-{name}", instance_id=f"i-{name}", user_data=user_data, public_keys=[PUBLIC_KEY]
    )


def test_life_of_a_machine_and_its_snapshots(cloud_id: str) -> None:
    machines, half = Machines(cloud_id), Machines(cloud_id)  # each server of a cloud has its own
    tag, child_tag, broken_tag = (f"bakewell/{cloud_id}:{number}" for number in (1, 2, 3))
    first = boot(machines, "one", base_image.ensure(print), USER_DATA)
    assert run(first, "cloud-init status --wait").endswith("status: done")
    assert run(first, "hostname; cat /root/user-data; systemctl is-system-running") == "host-one\nran\nrunning"
    assert not run(first, "grep -E 'WARNING|ERROR' /var/log/cloud-init.log || true")
    assert said_to(first, machines.bridge_address()) == "hello"
    with pytest.raises(MachineError, match="it runs"):
        machines.commit("one", tag)

    machines.stop("one", graceful=True)
    assert machines.exists("one")
    assert not machines.running("one")
    assert machines.commit("one", tag) > 100_000_000
    with closing(docker.from_env()) as client:
        assert client.containers.run(tag, ["find", SEED, "-type", "f"], remove=True) == b"", "a snapshot has no seed"

    with ThreadPoolExecutor() as pool:
        begun = [pool.submit(boot, each, name, tag) for each, name in ((machines, "two"), (half, "twin"))]
        second, twin = (made.result() for made in begun)
    assert len({first, second, twin}) == 3, "the address of a machine that is off is not free, nor one under way"
    assert sorted(machines.names()) == ["one", "twin", "two"]
    machines.remove("twin")
    assert machines.start("one") == first
    assert run(second, "cloud-init status --wait").endswith("status: done")
    assert run(second, "hostname; cat /var/lib/cloud/data/instance-id") == "host-two\ni-two"
    assert run(second, "cat /root/user-data") == "ran", "the first machine's user_data ran again"
    machines.reboot("one")
    assert run(first, "cloud-init status --wait && cat /root/user-data").endswith("\nran"), "once an instance"

    machines.stop("two", graceful=False)
    machines.commit("two", child_tag)
    assert sorted(machines.tags()) == [tag, child_tag]
    machines.remove_image(tag)
    assert machines.tags() == [child_tag]
    machines.remove("two")
    machines.remove("two")
    assert not machines.exists("two")
    third = boot(machines, "three", child_tag)
    assert third not in (first, second), "an address was given out again at once"

    run(third, "printf '#!/bin/sh\\nexit 255\\n' > /tmp/it && chmod +x /tmp/it && mv /tmp/it /lib/systemd/systemd")
    machines.stop("three", graceful=False)
    machines.commit("three", broken_tag)
    with pytest.raises(MachineError, match="ended as soon as it was started") as refused:
        boot(machines, "broken", broken_tag)
    assert "max_user_instances" in refused.value.remedy
    assert not machines.exists("broken")


def said_to(machine: str, host: str) -> str:
    """What a machine gets from a server of this host."""

    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with http.server.ThreadingHTTPServer((host, 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            return run(machine, f"curl -sS http://{host}:{server.server_port}/")
        finally:
            server.shutdown()


def test_what_is_not_there_is_named(cloud_id: str) -> None:
    machines = Machines(cloud_id)
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
