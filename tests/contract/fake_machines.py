"""Machines in memory: the tests' fast layer, where no container runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bakewell_local.sandbox.machines import MachineError, Machines
from bakewell_local.sandbox.machines.watch import Watch

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
    further: set[str] = field(default_factory=set)  # addresses it was given since its last boot


class FakeWatch(Watch):
    """Tells the names that are put into it; None ends it."""

    def __init__(self) -> None:
        self.names: queue.Queue[str | None] = queue.Queue()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names.get, None)

    def close(self) -> None:
        self.names.put(None)


class FakeMachines(Machines):
    """What was done is seen in `machines` (by name) and `images` (tags). `watches` are open until the engine ends."""

    def __init__(self) -> None:
        self.machines: dict[str, FakeMachine] = {}
        self.images: set[str] = {STOCK}
        self.watches: list[FakeWatch] = []
        self._guard = threading.Lock()
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
        with self._guard:
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
            machine.running, machine.boots, machine.further = True, machine.boots + 1, set()
        return machine.address

    def stop(self, name: str, graceful: bool) -> None:
        self._known(name).running = False

    def reboot(self, name: str) -> None:
        machine = self._known(name)
        machine.boots, machine.further = machine.boots + 1, set()

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

    def names(self) -> list[str]:
        return list(self.machines)

    def tags(self) -> list[str]:
        return list(self.images)

    def bridge_address(self) -> str:
        return "10.0.0.1"

    def reservable(self) -> list[str]:
        return [f"10.0.255.{last}" for last in (1, 2, 3)]

    def attach(self, name: str, address: str) -> None:
        if (machine := self._known(name)).running:
            machine.further.add(address)

    def detach(self, name: str, address: str) -> None:
        if name in self.machines:
            self.machines[name].further.discard(address)

    def watch(self) -> FakeWatch:
        self.watches.append(FakeWatch())
        return self.watches[-1]

    def have(self, address: str) -> list[str]:
        """The machines that answer on a reservable address."""
        return [name for name, machine in self.machines.items() if machine.running and address in machine.further]

    def die(self, name: str) -> None:
        """A machine goes off by itself."""
        self._known(name).running = False
        self.watches[-1].names.put(name)

    def restart_engine(self) -> None:
        """The engine ends, its machines with it, and is there again."""
        for machine in self.machines.values():
            machine.running = False
        self.watches[-1].close()

    def _known(self, name: str) -> FakeMachine:
        if name not in self.machines:
            raise MachineError(f"no machine {name}")
        return self.machines[name]
