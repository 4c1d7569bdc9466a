"""What the cloud holds, read once and in the background while the rest of the program gets ready.

A survey asks and remembers; it decides nothing and changes nothing. The images of one project and the types of
machines are listed as soon as it starts; references (droplets, autoscale pools) and keys only when something asks for
them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bakewell.background import in_background
from bakewell.clouds.facts import Arch
from bakewell.clouds.protocols import Source
from bakewell.clouds.resources import AccountKey, Running, Size
from bakewell.errors import ConfigError
from bakewell.image import READY, Image, Reference, adoptable, tainted
from bakewell.reading import did_you_mean

if TYPE_CHECKING:
    from bakewell.settings import Settings

_NOT_A_NAME = re.compile(r"^(?:\d+|(?:[0-9a-f]{2}:){15}[0-9a-f]{2}|SHA256:\S+)$")
"""A key's ID or fingerprint, which the cloud takes as it is."""


class Survey:
    """One look at one cloud.

    Args:
        source: where to look.
        project: whose images.
        region: where the stack builds images and runs machines.

    Every method that needs an answer waits for it, and raises the `CloudError` that the cloud gave instead.
    """

    def __init__(self, source: Source, project: str, region: str) -> None:
        self._source = source
        self._project = project
        self._region = region
        self._images = in_background(lambda: tuple(source.images.of(project)))
        self._sizes = None if source.offers is None else in_background(source.offers.sizes)
        self._references: Future[tuple[Reference, ...]] | None = None
        self._keys: Future[tuple[AccountKey, ...]] | None = None
        self._asking = threading.Lock()

    def now(self) -> datetime:
        """The cloud's present time, once the images are listed."""
        self.images()
        return datetime.fromtimestamp(self._source.now(), UTC)

    def images(self) -> tuple[Image, ...]:
        """Every image of the project, unfinished ones included."""
        return self._images.result()

    def references(self) -> tuple[Reference, ...]:
        """Everything in the account that boots, or would boot, from an image."""
        with self._asking:
            if self._references is None:
                self._references = in_background(lambda: tuple(self._source.references.all()))
        return self._references.result()

    def check_stack(self, settings: Settings, arches: Mapping[str, Arch]) -> Future[None]:
        """Begin to look; the result raises ConfigError for what the settings name and the account has not."""
        checks = self._source.stack_checks
        return in_background(lambda: None if checks is None else checks.check(settings, arches))

    def check_build(self, base: str, arch: Arch) -> None:
        """Raises where the cloud can tell already that a build on this vendor's image cannot begin."""
        self._source.bases.check(base, arch)

    def sizes(self) -> Mapping[str, Size] | None:
        """The types of machines that the cloud has; None where those do not decide how large a disk is."""
        return None if self._sizes is None else self._sizes.result()

    def running(self) -> Collection[Running]:
        """The machines of the project that are there. Asked of the cloud at each call."""
        offers = self._source.offers
        return () if offers is None else offers.running(self._project)

    def ssh_keys(self, wanted: Sequence[str], key: str) -> list[str]:
        """`wanted` keys as the cloud takes them: a name becomes the ID of the account's key that is called so.

        The cloud is asked only where there is a name among them.

        Args:
            wanted: names, IDs or fingerprints. What looks like an ID or a fingerprint is none's name.
            key: the setting that they come from, for messages.

        Raises:
            ConfigError: no key, or more than one, is called so.
        """
        return [one if _NOT_A_NAME.match(one) else self._key_called(one, key) for one in wanted]

    def _key_called(self, name: str, key: str) -> str:
        with self._asking:
            if self._keys is None:
                keys = self._source.account_keys
                self._keys = in_background(lambda: () if keys is None else tuple(keys.all()))
        known = self._keys.result()
        found = [one.id for one in known if one.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(
                f"{key}: {len(found)} keys of the account are called `{name}`",
                remedy=f"name the one meant by its ID: {', '.join(sorted(found))}",
            )
        names = sorted({one.name for one in known})
        raise ConfigError(
            f"{key}: the account has no key called `{name}`{did_you_mean(name, names)}",
            remedy=f"name one of: {', '.join(names)}; or add it to the account"
            if names
            else "add the public key to the account",
        )

    def adoptable(self, role: str, fingerprint: str) -> Image | None:
        """The image that a build of `fingerprint` would adopt; None when it would have to build."""
        return adoptable(self.images(), role, fingerprint, self._region)

    def home(self, role: str, fingerprint: str) -> str:
        """Where the image of `fingerprint` is, or will be, without a copy.

        That is the stack's region, unless the image that a build would adopt was built elsewhere (in another stack's
        first region, say): it keeps its home there.
        """
        found = self.adoptable(role, fingerprint)
        return found.identity.home if found else self._region

    def lost(self, run: str, ids: Collection[str] = ()) -> str | None:
        """Why the image of `run` can't be used any more ("gone from the cloud", …); None while it can.

        Args:
            ids: what it was called, in every region where it has to be.
        """
        by_run = {image.run: image for image in self.images()}
        image = by_run.get(run)
        if image is None:
            return "gone from the cloud"
        if image.lost is not None:
            return image.lost
        if gone := sorted(set(ids) - image.ids):
            return f"no longer there as {', '.join(gone)}"
        if READY not in image.tags:  # one that has it and can't be booted right now is in transfer, not lost
            return "without its ready tag"
        if image.revoked:
            return "revoked"
        return "built on a revoked image" if tainted(image, by_run) else None

    def pinned(self, role: str, wanted: str, key: str) -> Image:
        """The image of `role` that `wanted` (a name or an ID) means.

        Args:
            key: the setting that it comes from, for messages.

        Raises:
            ConfigError: no finished image of that role is called so, or it is not in the stack's region.
        """
        region = self._region
        of_role = [i for i in self.images() if i.role == role and i.ready]
        image = next((i for i in of_role if wanted == i.name or wanted in i.ids), None)
        if image is None:
            raise ConfigError(
                f"{key}: there is no image `{wanted}` of role {role}",
                remedy=_choices(of_role, key),
            )
        if region not in image.regions:
            raise ConfigError(
                f"{key}: image {image.name} is in {', '.join(image.regions)}, not in {region} where its machines run",
                remedy=f"pin an image that is in {region}, or `pulumi config rm --path '{key}'`",
            )
        return image


def _choices(images: Sequence[Image], key: str) -> str:
    names = ", ".join(sorted((i.name for i in images), reverse=True)[:5])
    unpin = f"`pulumi config rm --path '{key}'`"
    return f"pin one of {names}, or {unpin}" if names else unpin
