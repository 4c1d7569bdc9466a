"""What a cloud needs of a machine engine (`sandbox.machines.Machines` is the one of containers), failing on order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sandbox.serving.faults import Faults


class Watch(Protocol):
    """The names of machines as they go off; ends when the engine does, or is closed."""

    def __iter__(self) -> Iterator[str]: ...

    def close(self) -> None: ...


class Machines(Protocol):
    """Machines by name and images by tag. Every method may raise `sandbox.machines.MachineError`."""

    def create(
        self,
        name: str,
        image: str,
        *,
        hostname: str,
        instance_id: str,
        user_data: str | None,
        public_keys: Sequence[str],
    ) -> str: ...

    def start(self, name: str) -> str: ...

    def stop(self, name: str, graceful: bool) -> None: ...

    def reboot(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def exists(self, name: str) -> bool: ...

    def running(self, name: str) -> bool: ...

    def commit(self, name: str, tag: str) -> int: ...

    def remove_image(self, tag: str) -> None: ...

    def image_size(self, tag: str) -> int: ...

    def bridge_address(self) -> str: ...

    def reservable(self) -> list[str]: ...

    def attach(self, name: str, address: str) -> None: ...

    def detach(self, name: str, address: str) -> None: ...

    def watch(self) -> Watch: ...


class FaultyMachines:
    """Machines that fail while a fault rule says that the engine is down or the disk is full."""

    def __init__(self, machines: Machines, faults: Faults[Any]) -> None:
        self._machines = machines
        self._faults = faults

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
        self._faults.check_engine(writes=True)
        return self._machines.create(
            name,
            image,
            hostname=hostname,
            instance_id=instance_id,
            user_data=user_data,
            public_keys=public_keys,
        )

    def start(self, name: str) -> str:
        self._faults.check_engine()
        return self._machines.start(name)

    def stop(self, name: str, graceful: bool) -> None:
        self._faults.check_engine()
        self._machines.stop(name, graceful)

    def reboot(self, name: str) -> None:
        self._faults.check_engine()
        self._machines.reboot(name)

    def remove(self, name: str) -> None:
        self._faults.check_engine()
        self._machines.remove(name)

    def exists(self, name: str) -> bool:
        self._faults.check_engine()
        return self._machines.exists(name)

    def running(self, name: str) -> bool:
        self._faults.check_engine()
        return self._machines.running(name)

    def commit(self, name: str, tag: str) -> int:
        self._faults.check_engine(writes=True)
        return self._machines.commit(name, tag)

    def remove_image(self, tag: str) -> None:
        self._faults.check_engine()
        self._machines.remove_image(tag)

    def image_size(self, tag: str) -> int:
        self._faults.check_engine()
        return self._machines.image_size(tag)

    def bridge_address(self) -> str:
        self._faults.check_engine()
        return self._machines.bridge_address()

    def reservable(self) -> list[str]:
        self._faults.check_engine()
        return self._machines.reservable()

    def attach(self, name: str, address: str) -> None:
        self._faults.check_engine()
        self._machines.attach(name, address)

    def detach(self, name: str, address: str) -> None:
        self._faults.check_engine()
        self._machines.detach(name, address)

    def watch(self) -> Watch:
        self._faults.check_engine()
        return self._machines.watch()
