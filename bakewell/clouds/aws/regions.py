"""The regions of one AWS account: which there are, whose they are, and one question asked in all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.account import Account
from bakewell.clouds.aws.api import Clients, Refusal
from bakewell.errors import CloudError, ConfigError

_T = TypeVar("_T")
_DENIALS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_CLOSES = ("explicit deny in a service control policy", "no service control policy allows")
"""How AWS says that the organization forbids something, with a `Deny` or for want of an `Allow`; the policy's ARN may
follow: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html. A denial by any other policy,
or without a reason, is a permission that the caller lacks: others may run machines there.
"""


class Regions:
    """The regions of one account, and where in them its things are.

    Args:
        home: where images are built; also where questions are asked that are no region's.
        further: the stack's other regions.

    Attributes:
        holding: regions in which an AMI of the account was seen.
        places: AMI, instance or key -> its region, as far as it was seen.
    """

    def __init__(self, clients: Clients, account: Account, home: str, further: Collection[str]) -> None:
        self.clients, self.home, self._account = clients, home, account
        self._own = (home, *(one for one in further if one != home))
        self._enabled: tuple[str, ...] | None = None
        self._closed: set[str] = set()
        self.holding: set[str] = set()
        self.places: dict[str, str] = {}

    def enabled(self) -> tuple[str, ...]:
        """The regions that the account has enabled, sorted. What is asked first of all.

        Raises:
            ConfigError: a region of the stack is not among them, or this is not the stack's account.
        """
        if self._enabled is None:
            if self._account.expected is not None:
                self._account.check()
            answer = self.clients.ask(self.home, calls.REGIONS, f"list the account's regions in {self.home}")
            self._enabled = tuple(sorted(region.region_name for region in answer.regions))
        for region in self._own:
            if region not in self._enabled:
                raise not_enabled(region, self._enabled)
        return self._enabled

    def everywhere(self, ask: Callable[[str], list[_T]], region: str | None = None) -> list[_T]:
        """The answers of `region`, or of all that are enabled, asked at once. One that fails fails all.

        But a region that the organization's policy closes to the account (`_closes`) has no answer: what may be there
        is out of everybody's reach, ours too, and stays. Once found closed, it is asked nothing more.
        """
        if region is not None:
            return ask(region)

        def answer(where: str) -> list[_T]:
            try:
                return ask(where)
            except Refusal as error:
                if self._closes(where, error):
                    self._closed.add(where)
                    return []
                raise

        regions = [region for region in self.enabled() if region not in self._closed]
        with ThreadPoolExecutor(max_workers=8, thread_name_prefix="aws") as threads:
            return [item for found in threads.map(answer, regions) for item in found]

    def _closes(self, where: str, error: Refusal) -> bool:
        """Whether a refusal means that a whole region is closed: AMIs cannot even be listed there.

        Where they can, a question that is refused is an answer that is missing: whether something needs them. And no
        region is closed that the stack has, or that showed an AMI a moment ago: policies take effect by and by.
        """
        if where in self._own or where in self.holding or not _by_organization(error):
            return False
        try:
            self.clients.ask(where, calls.IMAGES, f"list images in {where}", Owners=["self"], MaxResults=5)
        except Refusal as refusal:
            return _by_organization(refusal)
        except CloudError:
            return False
        return False

    def must_be_open(self, home: str, image: str) -> None:
        """Raise CloudError where an image says that it was built in a closed region, and so is not seen whole."""
        if home in self._closed:
            raise CloudError(
                f"image {image} was built in {home}, which a policy of the organization closes to this account",
                remedy=f"use credentials that may list images in {home}, or have the policy leave it open",
            )


def _by_organization(error: Refusal) -> bool:
    return error.code in _DENIALS and any(words in error.message for words in _CLOSES)


def not_enabled(region: str, enabled: Collection[str]) -> ConfigError:
    """The error for a region that the account has not enabled."""
    return ConfigError(
        f"region {region} is not enabled for this AWS account",
        remedy=f"enable it in the account's settings, or choose of: {', '.join(sorted(enabled))}",
    )
