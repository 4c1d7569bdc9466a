"""One local cloud: its memory, its machines, its faults and its worker. The endpoints are given one of these."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from sandbox.digitalocean import jobs
from sandbox.digitalocean.records import Action, Droplet, Leftover, ReservedIp
from sandbox.digitalocean.serving.rules import RuleSpec
from sandbox.digitalocean.store import Store
from sandbox.digitalocean.watcher import Watcher
from sandbox.machines import MachineError
from sandbox.serving.faults import DOOM, Faults
from sandbox.serving.machines import FaultyMachines, Machines

log = logging.getLogger(__name__)


class Cloud:
    """State and work of one cloud.

    Args:
        cloud_id: part of its image tags.
        store: owned by this object: `close` closes it.
        stock_image: gives the Docker tag of the stock Debian image, building it if need be.
        action_seconds: how long an action takes at least; more than 0.
    """

    def __init__(
        self,
        cloud_id: str,
        store: Store,
        machines: Machines,
        stock_image: Callable[[], str],
        *,
        action_seconds: float = 0.3,
    ) -> None:
        if action_seconds <= 0:
            raise ValueError("action_seconds must be more than 0: no cloud acts at once")
        self.cloud_id = cloud_id
        self.store = store
        self.faults: Faults[RuleSpec] = Faults()
        self.machines: Machines = FaultyMachines(machines, self.faults)
        self.stock_image = stock_image
        self.action_seconds = action_seconds
        self.gateway = ""  # the machines' way to this host: known once `resume` was called, as is the next
        self.reservable: list[str] = []  # the addresses that may be reserved
        self.moving = threading.Lock()  # held while a reserved IP goes from one machine to another
        self._stopping = threading.Event()
        self._sweeping = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="action")
        self._watcher = Watcher(self, self._stopping)

    @staticmethod
    def machine_name(droplet_id: int) -> str:
        """What the machine of a droplet is called."""
        return f"droplet-{droplet_id}"

    def image_tag(self, image_id: int) -> str:
        """The Docker tag of a snapshot; tags are shared by all clouds on the host, so it has the cloud's ID."""
        return f"bakewell/{self.cloud_id}:{image_id}"

    def begin(
        self, type: str, resource_type: str, resource_id: int, region: str, params: dict[str, Any] | None = None
    ) -> Action:
        """Records an action and has the worker do it. The caller locks the resource, in the same transaction."""
        action = self.store.put(
            Action(
                id=self.store.next_id(),
                type=type,
                resource_type=resource_type,
                resource_id=resource_id,
                region=region,
                status="in-progress",
                started_at=timestamp(),
                params=params or {},
                doomed=DOOM.get(),
            )
        )
        self._submit(action.id)
        return action

    def resume(self) -> None:
        """Brings records and machines together after a restart, and takes up what was in progress.

        Raises:
            MachineError: the machine engine can't be reached; nothing is changed then.
        """
        self.gateway = self.machines.bridge_address()
        self.reservable = self.machines.reservable()
        for droplet in self.store.all(Droplet, lambda d: d.pending is None):
            if not self.machines.exists(self.machine_name(droplet.id)):
                log.warning("droplet %s (%d): its container is gone, and so is it now", droplet.name, droplet.id)
                jobs.bury(self, droplet.id)
            elif droplet.status == "active":
                self.revive(droplet.id)
        in_progress = self.store.all(Action, lambda a: a.status == "in-progress")
        for address in self.store.all(ReservedIp, lambda r: r.pending is not None):
            if address.pending not in {action.id for action in in_progress}:  # its deletion was cut short
                self.store.change(address, pending=None)
        for action in in_progress:
            self._submit(action.id)
        self._pool.submit(self.sweep)
        self._watcher.start()

    def boot(self, droplet_id: int) -> str:
        """Starts the machine of a droplet, if it is off, and has it answer on its reserved IPs; its own address.

        Raises:
            MachineError: it does not start, or the engine can't be reached.
        """
        name = self.machine_name(droplet_id)
        address = self.machines.start(name)
        with self.moving:
            for reserved in self.store.all(ReservedIp, lambda r: self._goes_to(r) == droplet_id):
                self.machines.attach(name, reserved.ip)
        return address

    def _goes_to(self, reserved: ReservedIp) -> int | None:
        """The droplet that has a reserved IP, or gets it by an action that has not ended."""
        action = self.store.get(Action, reserved.pending)
        return reserved.droplet_id if action is None else action.params["droplet_id"]

    def revive(self, droplet_id: int) -> None:
        """Has the machine of an active droplet run, whatever happened to it; one that does not start is off."""
        try:
            self.settle_idle(droplet_id, address=self.boot(droplet_id))
        except MachineError as error:  # one broken machine must not keep the cloud from starting
            log.error("droplet %d is off: %s", droplet_id, error)
            self.settle_idle(droplet_id, status="off")

    def settle_idle(self, droplet_id: int, **fields: object) -> bool:
        """Changes the record of an active droplet, unless an action has begun on it meanwhile; whether it did."""
        with self.store.transaction():
            droplet = self.store.get(Droplet, droplet_id)
            if droplet is None or droplet.pending is not None or droplet.status != "active":
                return False
            self.store.change(droplet, **fields)
        return True

    def sweep(self) -> None:
        """Removes containers and Docker images that nothing needs any more; what fails is tried again next time."""
        with self._sweeping:
            for leftover in self.store.all(Leftover):
                try:
                    if leftover.kind == "machine":
                        if self.machines.exists(leftover.name):
                            self.machines.remove(leftover.name)
                    elif self.store.all(Droplet, lambda d, n=leftover.image_id: d.image_id == n):  # type: ignore[misc]
                        continue
                    else:
                        self.machines.remove_image(leftover.name)
                except MachineError as error:
                    log.warning("%s %s stays for now: %s", leftover.kind, leftover.name, error)
                else:
                    self.store.drop(leftover)

    def sweep_soon(self) -> None:
        """Has the worker sweep."""
        self._pool.submit(self.sweep)

    def close(self) -> None:
        """Ends the worker (what it has not finished is taken up by `resume`) and closes the store."""
        self._stopping.set()
        self._watcher.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.store.close()

    def _submit(self, action_id: int) -> None:
        self._pool.submit(self._perform, action_id)

    def _perform(self, action_id: int) -> None:
        try:
            with self.store.transaction():  # waits until the request that began the action has committed it
                action = self.store.get(Action, action_id)
            if action is None or self._stopping.is_set():
                return
            until = time.monotonic() + self.action_seconds
            settle = self._work(action)
            if self._stopping.wait(until - time.monotonic()):
                return
            with self.store.transaction():
                (settle or jobs.failure(self, action))()
                self.store.change(action, status="completed" if settle else "errored", completed_at=timestamp())
        except Exception:  # the last frame of a thread: log what would otherwise vanish in a future
            log.exception("action %d", action_id)
        else:
            if action.type in ("create", "destroy"):
                self.sweep()

    def _work(self, action: Action) -> jobs.Settle | None:
        try:
            if action.doomed is not None:
                raise MachineError(f"{action.doomed} (fault rule)")
            return jobs.work(self, action)
        except MachineError as error:
            what = f"action {action.id} ({action.type} of {action.resource_type} {action.resource_id})"
            log.error("%s: %s", what, error)
            return None


def timestamp() -> str:
    """Now in UTC, as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
