"""One local cloud: its memory, its machines, its faults and its worker. The endpoints are given one of these."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bakewell_local.sandbox.digitalocean import jobs
from bakewell_local.sandbox.digitalocean.records import Action, Droplet, Image, ReservedIp
from bakewell_local.sandbox.digitalocean.store import Store
from bakewell_local.sandbox.digitalocean.watcher import Watcher
from bakewell_local.sandbox.machines import MachineError, Machines
from bakewell_local.sandbox.serving.faults import Faults
from bakewell_local.sandbox.serving.machines import faulty
from bakewell_local.sandbox.serving.work import Work

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
        self.cloud_id = cloud_id
        self.store = store
        self.faults = Faults()
        self.machines = faulty(machines, self.faults)
        self.stock_image = stock_image
        self.work = Work(action_seconds)
        self.gateway = ""  # the machines' way to this host: known once `resume` was called, as is the next
        self.reservable: list[str] = []  # the addresses that may be reserved
        self.moving = threading.Lock()  # held while a reserved IP goes from one machine to another
        self._watcher = Watcher(self)

    @staticmethod
    def machine_name(droplet_id: int | str) -> str:
        """What the machine of a droplet is called."""
        return f"droplet-{droplet_id}"

    def image_tag(self, image_id: int | str) -> str:
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
        for action in self.store.all(Action, _in_progress):
            self._submit(action.id)
        self.sweep_soon()
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

    def sweep_soon(self) -> None:
        """Has machines and Docker images removed that no record needs any more; what fails is tried again next time."""
        self.work.queue("sweep", self._sweep)

    def _sweep(self) -> None:
        try:
            names, tags = self.machines.names(), self.machines.tags()  # first: what is made has a record before
            droplets, images = self.store.all(Droplet), self.store.all(Image)
            making = [a.params["image_id"] for a in self.store.all(Action, _in_progress) if "image_id" in a.params]
            known = {self.machine_name(droplet.id) for droplet in droplets}
            needed = {self.image_tag(id) for id in (*making, *(image.id for image in images))}
            needed |= {str(droplet.docker_image) for droplet in droplets}
            for name in names:
                if name.startswith(self.machine_name("")) and name not in known:
                    self.machines.remove(name)
            for tag in tags:
                if tag not in needed and tag.removeprefix(self.image_tag("")).isdecimal():
                    self.machines.remove_image(tag)
        except MachineError as error:
            log.warning("some machines or images stay for now: %s", error)

    def close(self) -> None:
        """Ends the worker (what it has not finished is taken up by `resume`) and closes the store."""
        self.work.stopping.set()
        self._watcher.stop()
        self.work.close()
        self.store.close()

    def _submit(self, action_id: int) -> None:
        settle: list[jobs.Settle] = []

        def job() -> None:
            with self.store.transaction():  # waits until the request that began the action has committed it
                action = self.store.get(Action, action_id)
            if action is not None:
                settle.append(jobs.work(self, action))

        def ended(_: str = "") -> None:
            with self.store.transaction():
                if (action := self.store.get(Action, action_id)) is None:
                    return
                settle[0]() if settle else jobs.fail(self, action)
                self.store.change(action, status="completed" if settle else "errored", completed_at=timestamp())
            if action.type in ("create", "destroy"):
                self.sweep_soon()

        self.work.begin(f"action {action_id}", ended, ended, job)


def _in_progress(action: Action) -> bool:
    return action.status == "in-progress"


def timestamp() -> str:
    """Now in UTC, as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
