"""The regions of one AWS account: which there are, whose they are, and one question asked in all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bakewell.clouds.aws.api import Clients, Refusal, asking
from bakewell.errors import ConfigError

_T = TypeVar("_T")
_CLOSED = "explicit deny in a service control policy"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""


class Regions:
    """One account, looked at from one of its regions.

    Args:
        region: where images are built; also where questions are asked that are no region's.
        account: the account that the credentials must be of; any where it is None.
        sleep: waits between polls; tests pass their own.
    """

    def __init__(self, region: str, account: str | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.clients = Clients()
        self._region, self._account, self._sleep = region, account, sleep
        self._enabled: tuple[str, ...] | None = None
        self._places: dict[str, str] = {}
        """AMI, instance or key -> its region, as far as it was seen."""

    def check_account(self) -> str:
        with asking(f"say in {self._region} whose account this is"):
            who = self.clients.sts(self._region).get_caller_identity()
        if self._account is not None and who["Account"] != self._account:
            raise ConfigError(
                f"the stack belongs to AWS account {self._account}, but the credentials are of {who['Account']} "
                f"({who['Arn']})",
                remedy=f"use credentials of {self._account} (AWS_PROFILE), or correct bakewell:aws.account",
            )
        return f"{who['Account']} ({who['Arn']})"

    def enabled(self) -> tuple[str, ...]:
        """The regions that the account has enabled, sorted. What is asked first of all.

        Raises:
            ConfigError: the stack's own region is not among them, or this is not the stack's account.
        """
        if self._enabled is None:
            if self._account is not None:
                self.check_account()
            with asking(f"list the account's regions in {self._region}"):
                answer = self.clients.ec2(self._region).describe_regions()
            self._enabled = tuple(sorted(region["RegionName"] for region in answer["Regions"]))
            if self._region not in self._enabled:
                raise not_enabled(self._region, self._enabled)
        return self._enabled

    def _everywhere(self, ask: Callable[[str], list[_T]], region: str | None = None) -> list[_T]:
        """The answers of `region`, or of all that are enabled, asked at once. One that fails fails all.

        But a region that the organization's policy closes to the account has no answer: what may be there is out of
        everybody's reach, ours too, and stays.
        """
        if region is not None:
            return ask(region)

        def answer(where: str) -> list[_T]:
            try:
                return ask(where)
            except Refusal as error:
                if where != self._region and _CLOSED in error.what:
                    return []
                raise

        regions = self.enabled()
        with ThreadPoolExecutor(max_workers=8, thread_name_prefix="aws") as threads:
            return [item for found in threads.map(answer, regions) for item in found]


def not_enabled(region: str, enabled: Collection[str]) -> ConfigError:
    """The error for a region that the account has not enabled."""
    return ConfigError(
        f"region {region} is not enabled for this AWS account",
        remedy=f"enable it in the account's settings, or choose of: {', '.join(sorted(enabled))}",
    )
