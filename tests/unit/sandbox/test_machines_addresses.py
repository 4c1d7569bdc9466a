"""Addresses of a cloud's machines, whichever of its two servers makes them. Docker is a list of containers here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.machines import machines
from sandbox.machines.machines import Machines

SUBNET = "10.160.0.0/22"
LOOK_SECONDS = 1.0  # for another to look while a container is being made, where nothing keeps it from that


class FakeDocker:
    """As much of a client as a machine needs; it looks once a container for which addresses are taken."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.looks = 0
        self.looked_twice = threading.Event()
        self.api = self.containers = self.networks = self

    def info(self) -> dict[str, str]:
        return {"CgroupVersion": "2"}

    def list(self, names: Sequence[str]) -> Any:
        attrs = {"IPAM": {"Config": [{"Subnet": SUBNET}]}}
        return [SimpleNamespace(name=name, attrs=attrs, reload=lambda: None) for name in names]

    def __call__(self, **_: Any) -> Any:
        """What `containers` lists."""
        found = [{"NetworkSettings": {"Networks": {"bakewell-one": {"IPAddress": one}}}} for one in self.addresses]
        self.looks += 1
        if self.looks > 1:
            self.looked_twice.set()
        return found

    def create_endpoint_config(self, ipv4_address: str) -> str:
        return ipv4_address

    def create(self, *_: Any, networking_config: dict[str, str], **__: Any) -> Any:
        self.looked_twice.wait(LOOK_SECONDS)
        self.addresses += networking_config.values()
        return SimpleNamespace(
            status="running", put_archive=lambda *_: None, start=lambda: None, reload=lambda: None, id="1"
        )


def test_two_servers_of_a_cloud_give_no_address_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    engine = FakeDocker()
    monkeypatch.setattr(machines, "connect", lambda: engine)
    halves = [Machines("one"), Machines("one")]

    def make(half: Machines, name: str) -> str:
        return half.create(name, "image", hostname=name, instance_id=name, user_data=None, public_keys=[])

    with ThreadPoolExecutor() as pool:
        given = list(pool.map(make, halves, ("droplet-1", "i-1")))
    assert sorted(given) == sorted(engine.addresses)
    assert len(set(given)) == 2
