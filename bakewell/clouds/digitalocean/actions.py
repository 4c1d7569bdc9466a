"""What DigitalOcean does in the background, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.errors import CloudError


class Actions:
    """The actions of an account.

    Args:
        sleep: waits between polls; tests pass their own.
    """

    def __init__(self, api: Api, sleep: Callable[[float], None]) -> None:
        self._api, self._sleep = api, sleep

    def wait_all(self, path: str, limit: float) -> None:
        """Wait for every action listed at `path` that is in progress."""
        for action in self._api.pages(path, answers.ACTIONS):
            if action.status == "in-progress":
                self.wait(f"{path}/{action.id}", f"{action.type} (action {action.id})", limit, fine=True)

    def wait(self, path: str, what: str, limit: float, *, fine: bool = False) -> None:
        """Poll one action until it ended. `fine`: an action that ended in error will do too."""
        waited, pause = 0.0, 0.5
        while True:
            status = self._api.get(path, answers.ACTION).it.status
            if status == "completed" or (fine and status == "errored"):
                return
            if status == "errored":
                raise CloudError(f"{what} failed", remedy="run the command again")
            if waited >= limit:
                raise CloudError(
                    f"{what} still runs after {round(limit / 60)} minutes", remedy="run the command again later"
                )
            self._sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 5.0)
