"""One local cloud: its state, and the actions that change it. The endpoints are given one of these."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from bakewell_local.sandbox.digitalocean import jobs
from bakewell_local.sandbox.digitalocean.cloud_state import CloudState
from bakewell_local.sandbox.digitalocean.records import Action, Droplet, Image
from bakewell_local.sandbox.digitalocean.watcher import Watcher
from bakewell_local.sandbox.machines import MachineError

log = logging.getLogger(__name__)


class Cloud(CloudState):
    """State and work of one cloud; `close` closes the store."""

    @cached_property
    def _watcher(self) -> Watcher:
        return Watcher(self)

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
