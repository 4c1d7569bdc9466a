"""Keeps the records of a serving cloud true when machines go off without an action, alone or with their engine."""

from __future__ import annotations

import logging
import threading

from bakewell_local.sandbox.digitalocean.cloud_state import CloudState
from bakewell_local.sandbox.digitalocean.records import Droplet
from bakewell_local.sandbox.machines import MachineError
from bakewell_local.sandbox.machines.watch import Watch

log = logging.getLogger(__name__)
# Whoever restarts a container by hand has it running again by then.
SECONDS_TO_COME_BACK = 1.0
SECONDS_BETWEEN_TRIES = 1.0


class Watcher:
    """One thread of a cloud, from `start` to `stop`.

    A droplet whose machine went off by itself is "off", as on the real cloud. One whose engine was restarted runs
    again: its host was, and a cloud brings droplets back then.
    """

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._stopping = cloud.work.stopping
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; the cloud's work is stopping by then."""
        if (watch := self._watch) is not None:
            watch.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch = self._cloud.machines.watch()
                if self._stopping.is_set():  # `stop` may have come too early to close it
                    self._watch.close()
                self._catch_up()
                for name in self._watch:
                    self._went_off(name)
                if not self._stopping.is_set():
                    log.warning("the machine engine has ended")
            except MachineError:  # it is still away: said above
                log.debug("the machine engine can't be watched", exc_info=True)
            except Exception:  # the last frame of a thread: the cloud serves on, and this begins anew
                log.exception("watching machines")
            self._stopping.wait(SECONDS_BETWEEN_TRIES)

    def _catch_up(self) -> None:
        for droplet in self._cloud.store.all(Droplet, _idle):
            if self._stopping.is_set():
                return
            if not self._cloud.machines.running(self._cloud.machine_name(droplet.id)):
                log.warning("droplet %s (%d): its machine is off, starting it again", droplet.name, droplet.id)
                self._cloud.revive(droplet.id)

    def _went_off(self, name: str) -> None:
        cloud = self._cloud
        for droplet in cloud.store.all(Droplet, lambda d: _idle(d) and cloud.machine_name(d.id) == name):
            if self._stopping.wait(SECONDS_TO_COME_BACK):
                return
            if cloud.machines.running(name):
                cloud.revive(droplet.id)  # a restart took its further addresses
            elif cloud.settle_idle(droplet.id, status="off"):
                log.warning("droplet %s (%d) went off by itself", droplet.name, droplet.id)


def _idle(droplet: Droplet) -> bool:
    """Active, and no action under way that may be what turns it off."""
    return droplet.status == "active" and droplet.pending is None
