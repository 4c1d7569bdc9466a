"""The clouds, behind one set of verbs: find, list, references, tag, copy, delete.

A cloud here is what its API says and does, no more: which images exist, who needs them, and single changes to them.
Nothing in this package decides what to delete, waits for a build, or knows where a machine really runs. Every verb
raises `CloudError` when the API refuses, fails after retries, or answers with less than everything that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bakewell import extras
from bakewell.clouds.facts import CLOUDS
from bakewell.errors import ConfigError
from bakewell.image import Identity, Image, Reference

if TYPE_CHECKING:
    from bakewell.settings import Environment, Settings

BUILDER = "bakewell:builder"
LEASE_SECONDS = 2 * 60 * 60  # a build is ended when its lease runs out, so one that outlives it is dead


@dataclass(frozen=True, slots=True)
class Builder:
    """A machine that exists only while an image is built.

    Attributes:
        identity: what the image will be tagged with; its `run` names the build.
        lease: Unix time, by the cloud, until which the build is presumed alive; two hours from its start where its tags
            don't say.
    """

    id: str
    name: str
    identity: Identity
    lease: int


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that one build registered, named `bakewell-<run>-<lease in Unix seconds>`."""

    id: str
    name: str
    run: str
    lease: int


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Any public key of the account."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Leftover:
    """A snapshot with a name of ours that carries no identity yet: its build died before it could tag it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Size:
    """A type of machine.

    Attributes:
        disk_gb: what its disk holds.
        regions: where a machine of it can be made now.
    """

    disk_gb: int
    regions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Running:
    """A machine that is there: its role, its type, where it runs, and the ID of the image that it was made from."""

    role: str
    size: str
    region: str
    image: str


class Offers(Protocol):
    """The types of machines that a cloud has, where those decide how large a disk is."""

    def sizes(self) -> Mapping[str, Size]:
        """By name; all of them."""

    def running(self, project: str) -> Collection[Running]:
        """The machines of a project that are there."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A vendor's image, as `bakewell lock` writes it down.

    Attributes:
        date: when it was published: YYYY-MM-DD.
        ids: region -> image ID.
    """

    name: str
    date: str
    ids: dict[str, str]


class Cloud(Protocol):
    """What the build, retention and the operator's commands need of a cloud."""

    name: str

    def check_account(self) -> str:
        """Whose account the token opens, as a name for people; raises when it opens none."""

    def now(self) -> float:
        """The cloud's present time in Unix seconds, by its last answer: what leases are written and judged by.

        Raises where no answer tells the time. The host's own clock never stands in for it.
        """

    def images(self, project: str) -> list[Image]:
        """Every image of `project`, unfinished ones included."""

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        """Snapshots called one of `names` that carry no identity."""

    def stock(self, image: str) -> Stock:
        """What the vendor's image of this name (a slug, or what an AMI is found by) is now."""

    def check_stack(self, settings: Settings) -> None:
        """Raise ConfigError for what the stack's own part of the settings names and the account has not."""

    def check_build(self, base: str) -> None:
        """Raise where the cloud can tell already that a build on a vendor's image cannot begin.

        Args:
            base: what is locked, or what `stock` takes where nothing is.
        """

    @property
    def offers(self) -> Offers | None:
        """The types of machines that there are; None where `check_stack` looks at those that are named."""

    def usual(self, base: str) -> str:
        """What a base of this name, such as debian-12, is called there, until somebody says otherwise."""

    def base(self, image: str) -> str:
        """What a build starts from in the first region, where no ID is locked for `image`: a name as for `stock`."""

    def references(self) -> list[Reference]:
        """Everything in the whole account that boots, or would boot, from an image."""

    def builders(self, project: str) -> list[Builder]:
        """Builder machines of `project`, whatever their state."""

    def settle(self, builder_id: str) -> list[str]:
        """Wait until the builder's pending actions ended; the IDs of the snapshots taken of it."""

    def delete_builder(self, builder_id: str) -> None:
        """Delete the machine; one that is gone already is no error."""

    def create_key(self, name: str, public_key: str) -> str:
        """Register a public key; its ID."""

    def build_keys(self) -> list[Key]:
        """The keys that builds of ours registered."""

    def ssh_keys(self) -> list[AccountKey]:
        """Every key of the account."""

    def delete_key(self, key_id: str) -> None:
        """Delete the key; one that is gone already is no error."""

    def image(self, image_id: str) -> Image | None:
        """One image by its ID, whatever its project; None when it is gone or carries no identity."""

    def tags_of(self, image_id: str) -> tuple[str, ...] | None:
        """All tags that an image carries now, whoever's they are; None when it is gone."""

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        """Add tags to an image, creating tag objects as needed."""

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        """Take tags off an image; one it does not carry is no error."""

    def delete_unused_tags(self, names: Sequence[str]) -> int:
        """Delete those of our tag objects called one of `names` that nothing carries; how many went.

        Only those of one build or one content go: run, lease, parent, fingerprint. Deleting a tag object takes it off
        everything, so those that builds share (project, role, home, flags) stay: something may be getting them now.
        """

    def delete_image(self, image_id: str) -> None:
        """Delete an image in all its regions; one that is gone already is no error."""

    def sweep(self, project: str) -> list[str]:
        """Remove what deletions that were cut short left: tag objects, disks' snapshots. What of it cost something is
        told in sentences: removed, or left behind for the next run.
        """

    def copy(self, image_id: str, region: str) -> str:
        """Make the image available in `region` and wait for it; nothing happens where it already is. Its ID there."""


def connect(
    name: str, environment: Environment, settings: Settings, *, sleep: Callable[[float], None] = time.sleep
) -> Cloud:
    """The cloud called `name`, spoken to with the credentials of `environment`. No request is made yet.

    `sleep` waits between polls and retries; one that raises ends the call that waits.

    Raises:
        ConfigError: no such cloud, its extra is not installed, or no token for it.
    """
    extras.check(name)
    if name == "aws":
        from bakewell.clouds.aws import Aws

        own = settings.aws
        return Aws(settings.home(name), own.account, own.subnet, own.kms_key, further=own.regions, sleep=sleep)
    if name == "docker":
        from bakewell.clouds.docker import Docker

        return Docker(environment, sleep=sleep)
    if name != "digitalocean":
        raise ConfigError(f"unknown cloud `{name}`", remedy=f"use one of: {', '.join(CLOUDS)}")
    from bakewell.clouds.digitalocean import DigitalOcean

    token = environment.require_token()
    return DigitalOcean(environment.endpoint, token, token_name=environment.token_name, sleep=sleep)
