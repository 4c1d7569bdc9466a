"""What callers need of a cloud: its parts, and which of them each caller takes.

A part is what the cloud's API says and does, no more: which images exist, who needs them, and single changes to them.
No part decides what to delete, waits for a build, or knows where a machine really runs. Every method raises
`CloudError` when the API refuses, fails after retries, or answers with less than everything that was asked for.

A part that a cloud may lack is None there. No cloud has a method that does nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bakewell.clouds.facts import Arch
from bakewell.clouds.resources import AccountKey, Builder, Key, Leftover, Running, Size, Stock, Unidentified
from bakewell.image import Image, Reference

if TYPE_CHECKING:
    from bakewell.settings import Settings

# Parts that every cloud has


class Account(Protocol):
    """Whose resources these are."""

    def check(self) -> str:
        """Whose account the credentials open, as a name for people; raises when they open none."""


class ImageList(Protocol):
    """The images of a project."""

    def of(self, project: str) -> list[Image]:
        """Every image of `project`, unfinished ones included."""


class Images(ImageList, Protocol):
    """The images of a project, and changes to single images."""

    def get(self, image_id: str) -> Image | None:
        """One image by its ID, whatever its project; None when it is gone or carries no identity."""

    def tags(self, image_id: str) -> tuple[str, ...] | None:
        """All tags that an image carries now, whoever's they are; None when it is gone."""

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        """Add tags to an image, creating tag objects as needed."""

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        """Take tags off an image; a tag that it does not carry is no error.

        Where tags are objects, those of one build that nothing carries any more are deleted: see `TagObjects`.
        """

    def copy(self, image_id: str, region: str) -> str:
        """Make the image available in `region` and wait for it; nothing happens where it already is. Its ID there."""

    def delete(self, image_id: str) -> None:
        """Delete an image in all its regions; one that is gone already is no error."""


class References(Protocol):
    """Who needs images."""

    def all(self) -> list[Reference]:
        """Everything in the whole account that boots, or would boot, from an image."""


class Builders(Protocol):
    """Machines that build images."""

    def of(self, project: str) -> list[Builder]:
        """Builder machines of `project`, whatever their state."""

    def settle(self, builder_id: str) -> list[str]:
        """Wait until the builder's pending actions ended; the IDs of the snapshots taken of it."""

    def delete(self, builder_id: str) -> None:
        """Delete the machine; one that is gone already is no error."""


class BuildKeys(Protocol):
    """Public keys that builds register, to log in to their builders."""

    def create(self, name: str, public_key: str) -> str:
        """Register a public key; its ID."""

    def all(self) -> list[Key]:
        """The keys that builds of ours registered."""

    def delete(self, key_id: str) -> None:
        """Delete the key; one that is gone already is no error."""


class BaseCheck(Protocol):
    """Whether a build on a vendor's image can begin."""

    def check(self, base: str, arch: Arch) -> None:
        """Raise where the cloud can tell already that a build on a vendor's image cannot begin.

        Args:
            base: what is locked, or what `Bases.stock` takes where nothing is.
            arch: the processors that the image is built for.
        """


class Bases(BaseCheck, Protocol):
    """Vendors' images, which builds start from."""

    def usual(self, base: str) -> str:
        """What a base of this name, such as debian-12, is called there, until somebody says otherwise."""

    def stock(self, image: str) -> Stock:
        """What the vendor's image of this name (a slug, or what an AMI is found by) is now."""

    def start(self, image: str) -> str:
        """What a build starts from in the first region, where no ID is locked for `image`: a name as for `stock`."""


# Parts that a cloud may lack


class Offers(Protocol):
    """The types of machines that a cloud has, where those decide how large a disk is."""

    def sizes(self) -> Mapping[str, Size]:
        """By name; all of them."""

    def running(self, project: str) -> Collection[Running]:
        """The machines of a project that are there."""


class AccountKeys(Protocol):
    """The account's public keys, where machines are given them by ID, and settings may name them."""

    def all(self) -> list[AccountKey]:
        """Every key of the account."""


class StackChecks(Protocol):
    """What an account has of what a stack names: regions, types of machines, networks."""

    def check(self, settings: Settings, arches: Mapping[str, Arch]) -> None:
        """Raise ConfigError for what the stack's own part of the settings names and the account has not.

        Args:
            arches: role to the processors that its image is for.
        """


class Remains(Protocol):
    """What builds and deletions that were cut short leave, beside builders, images and keys.

    A cloud that gives an image its tags with the image, and deletes it in one step, has none.
    """

    def untagged(self, names: Collection[str]) -> list[Leftover]:
        """Snapshots called one of `names` that carry no identity."""

    def sweep(self, project: str) -> list[str]:
        """Remove what deletions that were cut short left: tag objects, disks' snapshots. What of it cost something is
        told in sentences: removed, or left behind for the next run.
        """


class Disks(Protocol):
    """Disks of images, where a builder's disk is asked for by its device."""

    def root_device(self, image_id: str) -> str:
        """The device of the image's root disk, such as /dev/xvda. Raises CloudError where the cloud does not say."""


class Importable(Protocol):
    """Images that somebody else made. Docker lacks it: the labels of its images cannot be changed."""

    def all(self) -> list[Unidentified]:
        """Images of the account that can be booted and carry no complete identity."""


class TagObjects(Protocol):
    """Tags that exist by themselves, whether or not anything carries them. Elsewhere they go with what carries them."""

    def delete_unused(self, names: Sequence[str]) -> int:
        """Delete those of our tag objects called one of `names` that nothing carries; how many went.

        Only those of one build or one content go: run, lease, parent, fingerprint. Deleting a tag object takes it off
        everything, so those that builds share (project, role, home, flags) stay: something may be getting them now.
        """


# What each caller takes


class Inventory(Protocol):
    """What retention's plan is made from."""

    def now(self) -> float:
        """The cloud's present time in Unix seconds, by its last answer: what leases are written and judged by.

        Raises where no answer tells the time. The host's own clock never stands in for it.
        """

    @property
    def images(self) -> ImageList: ...

    @property
    def references(self) -> References: ...


class Source(Inventory, Protocol):
    """What a preview looks at: `bakewell.clouds.survey` reads it."""

    @property
    def bases(self) -> BaseCheck: ...

    @property
    def offers(self) -> Offers | None: ...

    @property
    def account_keys(self) -> AccountKeys | None: ...

    @property
    def stack_checks(self) -> StackChecks | None: ...


class Upkeep(Inventory, Protocol):
    """What retention and the reaper change: whatever builds made."""

    @property
    def name(self) -> str: ...

    @property
    def images(self) -> Images: ...

    @property
    def builders(self) -> Builders: ...

    @property
    def keys(self) -> BuildKeys: ...

    @property
    def remains(self) -> Remains | None: ...

    @property
    def tag_objects(self) -> TagObjects | None: ...


class Cloud(Upkeep, Source, Protocol):
    """A whole cloud, as `bakewell.clouds.connect` gives it. A build takes this."""

    @property
    def account(self) -> Account: ...

    @property
    def bases(self) -> Bases: ...

    @property
    def disks(self) -> Disks | None: ...

    @property
    def importable(self) -> Importable | None: ...
