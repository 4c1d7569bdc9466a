"""A machine on Docker by itself: told by user_data who it is, reached at a port of this machine, made and removed again
and again.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker.errors import APIError, NotFound

from bakewell.clouds.docker import Docker
from bakewell.settings import Environment
from bakewell_local.sandbox.machines import base_image
from tests.e2e.docker.conftest import Engine, container
from tests.waiting import until

SERVING = """#cloud-config
write_files: [{path: /srv/index.html, content: told}]
runcmd: [[systemd-run, python3, -m, http.server, "8000", --directory, /srv]]
"""


def booted(name: str, *options: str, told: str = "") -> dict[str, Any]:
    done = container(name, "--image", base_image.ensure(print), *options, told=told)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def page(port: int) -> str:
    def got() -> str:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text
        except httpx.TransportError:
            return ""

    return until(got, what=f"no answer at port {port}")


def test_it_does_what_user_data_says_and_answers_at_a_port_of_this_machine(name: str, engine: Engine) -> None:
    said = booted(name, "--hostname", "shop-1", "--port", "8000", told=SERVING)
    assert page(said["port"]) == "told"
    assert httpx.get(f"http://{said['address']}:8000/", timeout=5).text == "told"
    found = engine.client.containers.get(name)
    assert found.id == said["id"]
    assert found.exec_run("hostname").output == b"shop-1\n"
    # On loopback: a laptop in a café offers it to nobody else.
    assert {one["HostIp"] for one in found.attrs["NetworkSettings"]["Ports"]["8000/tcp"]} == {"127.0.0.1"}


def test_the_same_again_takes_the_place_of_what_is_there(name: str) -> None:
    assert booted(name)["id"] != (again := booted(name))["id"]
    assert again["port"] is None


def test_it_can_be_removed_twice(name: str, engine: Engine) -> None:
    booted(name)
    for _ in range(2):
        assert container(name, "--remove").returncode == 0
    with pytest.raises(NotFound):
        engine.client.containers.get(name)


def test_a_port_that_is_taken_is_said_and_nothing_stays(name: str, engine: Engine, project: str) -> None:
    first = booted(f"{project}-first", "--port", "8000")
    try:
        done = container(name, "--image", base_image.ensure(print), "--port", "8000", "--publish", str(first["port"]))
    finally:
        container(f"{project}-first", "--remove")
    assert done.returncode == 3
    assert "already allocated" in done.stderr and "set another one" in done.stderr
    with pytest.raises(NotFound):
        engine.client.containers.get(name)


def test_an_image_without_systemd_is_said(name: str, engine: Engine) -> None:
    bare = f"bakewell-test/{name}:bare"
    base = engine.client.api.create_container(base_image.ensure(print), ["rm", "-f", "/lib/systemd/systemd"])["Id"]
    try:
        engine.client.api.start(base)
        engine.client.api.wait(base)
        engine.client.api.commit(base, repository=bare.split(":")[0], tag="bare")
        done = container(name, "--image", bare)
        assert done.returncode == 3 and "systemd" in done.stderr
    finally:
        engine.client.api.remove_container(base)
        engine.client.api.remove_image(bare, force=True)
    assert container(name).returncode == 2


def _pause(container: Any) -> None:
    """A kernel that is busy may be unable to freeze a container at once."""
    for left in reversed(range(5)):
        try:
            container.pause()
        except APIError as error:
            if "unable to freeze" not in str(error) or not left:
                raise
            time.sleep(1)
        else:
            return


def test_a_builder_is_settled_when_a_commit_that_nobody_waits_for_is_over(
    name: str, engine: Engine, tmp_path: Path
) -> None:
    """Docker has a container paused while it commits it."""
    booted(name)
    found = engine.client.containers.get(name)
    _pause(found)
    paused: list[str] = []

    def sleep(seconds: float) -> None:
        found.reload()
        paused.append(found.status)
        if len(paused) == 3:
            engine.client.api.unpause(str(found.id))

    cloud = Docker(Environment.read({**os.environ, "BAKEWELL_STATE": str(tmp_path)}), sleep=sleep)
    assert cloud.builders.settle(str(found.id)) == []
    assert paused == ["paused"] * 3
