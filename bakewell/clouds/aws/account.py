"""One AWS account: whose it is, and what time it is there."""

from __future__ import annotations

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.api import Clients
from bakewell.errors import ConfigError


class Account:
    """The account that the credentials are of.

    Args:
        region: where both are asked.
        expected: the account that the credentials must be of; any where it is None.
    """

    def __init__(self, clients: Clients, region: str, expected: str | None) -> None:
        self._clients, self._region, self.expected = clients, region, expected

    def check(self) -> str:
        who = self._clients.ask(self._region, calls.WHO, f"say in {self._region} whose account this is")
        if self.expected is not None and who.account != self.expected:
            raise ConfigError(
                f"the stack belongs to AWS account {self.expected}, but the credentials are of {who.account} "
                f"({who.arn})",
                remedy=f"use credentials of {self.expected} (AWS_PROFILE), or correct bakewell:aws.account",
            )
        return f"{who.account} ({who.arn})"

    def now(self) -> float:
        return self._clients.clock.now(
            lambda: self._clients.ask(self._region, calls.REGIONS, f"say in {self._region} what time it is")
        )
