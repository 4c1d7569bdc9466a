"""Machines in memory, shaped like `sandbox.machines.Machines`: the tests' fast layer, where no container runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.machines import MachineError

STOCK = "fake/machine:debian-12"
SIZE = 1_234_567_890  # of every image, in bytes


@dataclass
class FakeMachine:
    image: str
    hostname: str
    instance_id: str
    user_data: str | None
    public_keys: list[str]
    address: str
    running: bool = True
    boots: int = 1


class FakeMachines:
    """What was done is seen in `machines` (by name) and `images` (tags)."""

    def __init__(self) -> None:
        self.machines: dict[str, FakeMachine] = {}
        self.images: set[str] = {STOCK}
        self._lock = threading.Lock()
        self._made = 0

    def create(
        self,
        name: str,
        image: str,
        *,
        hostname: str,
        instance_id: str,
        user_data: str | None,
        public_keys: Sequence[str],
    ) -> str:
        with self._lock:
            if name in self.machines:
                raise MachineError(f"machine {name} exists already")
            if image not in self.images:
                raise MachineError(f"no image {image}")
            self._made += 1
            address = f"10.0.{self._made // 250}.{self._made % 250 + 2}"
            self.machines[name] = FakeMachine(image, hostname, instance_id, user_data, list(public_keys), address)
            return address

    def start(self, name: str) -> str:
        machine = self._known(name)
        if not machine.running:
            machine.running, machine.boots = True, machine.boots + 1
        return machine.address

    def stop(self, name: str, graceful: bool) -> None:
        self._known(name).running = False

    def reboot(self, name: str) -> None:
        self._known(name).boots += 1

    def remove(self, name: str) -> None:
        self.machines.pop(name, None)

    def exists(self, name: str) -> bool:
        return name in self.machines

    def running(self, name: str) -> bool:
        return name in self.machines and self.machines[name].running

    def commit(self, name: str, tag: str) -> int:
        if self._known(name).running:
            raise MachineError(f"machine {name} runs")
        self.images.add(tag)
        return SIZE

    def remove_image(self, tag: str) -> None:
        self.images.discard(tag)

    def image_size(self, tag: str) -> int:
        if tag not in self.images:
            raise MachineError(f"no image {tag}")
        return SIZE

    def bridge_address(self) -> str:
        return "10.0.0.1"

    def _known(self, name: str) -> FakeMachine:
        if name not in self.machines:
            raise MachineError(f"no machine {name}")
        return self.machines[name]
