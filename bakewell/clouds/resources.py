"""What clouds hold and offer, as plain values: nothing here asks a cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bakewell.image import Identity

BUILDER = "bakewell:builder"
LEASE_SECONDS = 2 * 60 * 60  # a build is ended when its lease runs out, so one that outlives it is dead
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")


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

    @classmethod
    def named(cls, id: str, name: str) -> Key | None:
        """The build's key of that name; None where the name is not of that form."""
        match = _KEY.match(name)
        return cls(id, name, match["run"], int(match["lease"])) if match else None


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
class Unidentified:
    """An image of the account that can be booted and carries no complete identity: somebody else made it.

    Attributes:
        ids: region to its ID there.
        tags: tags that any of these carries, as `bakewell.image` writes tags; others' tags as the cloud has them.
    """

    name: str
    ids: Mapping[str, str]
    tags: tuple[str, ...]


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
