"""What one local cloud has: its records, its machines, its faults and its worker. Jobs and the watcher work on it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bakewell_local.sandbox.digitalocean.records import Action, Droplet, ReservedIp
from bakewell_local.sandbox.digitalocean.store import Store
from bakewell_local.sandbox.machines import MachineError, Machines
from bakewell_local.sandbox.serving.faults import Faults
from bakewell_local.sandbox.serving.machines import faulty
from bakewell_local.sandbox.serving.work import Work

log = logging.getLogger(__name__)


class CloudState:
    """The records of one cloud, and the machines behind them. Begins no action.

    Args:
        cloud_id: part of its image tags.
        store: its records.
        machines: its machines.
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

    @staticmethod
    def machine_name(droplet_id: int | str) -> str:
        """What the machine of a droplet is called."""
        return f"droplet-{droplet_id}"

    def image_tag(self, image_id: int | str) -> str:
        """The Docker tag of a snapshot; tags are shared by all clouds on the host, so it has the cloud's ID."""
        return f"bakewell/{self.cloud_id}:{image_id}"

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
