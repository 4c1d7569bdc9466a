"""An image of ours in a cloud: its identity is in its tags, its name is for people.

Tags consist of letters, digits, `:`, `-` and `_`, at most 255 characters: DigitalOcean's rule, the narrowest of the
clouds. This module only encodes and decodes; it calls no cloud.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

NAMESPACE = "bakewell"
READY = f"{NAMESPACE}:ready"
REVOKED = f"{NAMESPACE}:revoked"
IMPORTED = f"{NAMESPACE}:imported"  # not built by Bakewell: `bakewell import images` gave it its identity
MANAGED = f"{NAMESPACE}:managed"  # with IMPORTED: retention may delete it
_TAG = re.compile(rf"^{NAMESPACE}:(?P<key>[a-z]+)(?::(?P<value>[A-Za-z0-9_-]+))?$")
_LEASE = re.compile(r"[0-9]{1,11}")  # a number with more digits is not a date


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of an image or of its builder, from its tags.

    Attributes:
        project: the project that owns the image; images of other projects are never touched.
        role: the role, a folder under packer/images/.
        fingerprint: fingerprint of the image's content, 64 hex digits; empty for an imported image.
        run: 12 hex digits, unique to one build, or to one import.
        parent: run of the parent image; None for an image on a stock image.
        home: the region that the image was built in; copies do not change it.
    """

    project: str
    role: str
    fingerprint: str
    run: str
    parent: str | None
    home: str

    @property
    def builder_name(self) -> str:
        """`<role>-<run>`: the builder's name. A host name of one label, with at most 63 characters."""
        return f"{self.role[:50]}-{self.run}"

    def tags(self) -> tuple[str, ...]:
        """The identity as tags, sorted."""
        pairs = {
            "project": self.project,
            "role": self.role,
            "fingerprint": self.fingerprint,
            "run": self.run,
            "parent": self.parent,
            "home": self.home,
        }
        return tuple(sorted(tag(key, value) for key, value in pairs.items() if value))

    @classmethod
    def from_tags(cls, tags: Iterable[str]) -> Identity | None:
        """The identity in `tags`; None if they do not hold exactly one complete identity: the image is not ours."""
        found: dict[str, set[str]] = {}
        imported = False
        for text in tags:
            pair = parse_tag(text)
            imported = imported or text == IMPORTED
            if pair is not None and pair[1]:
                found.setdefault(pair[0], set()).add(pair[1])
        if imported:
            found.setdefault("fingerprint", {""})
        wanted = ("project", "role", "fingerprint", "run", "home")
        parents = found.get("parent", set())
        if any(len(found.get(key, ())) != 1 for key in wanted) or len(parents) > 1:
            return None
        return cls(**{key: found[key].pop() for key in wanted}, parent=next(iter(parents), None))


@dataclass(frozen=True, slots=True)
class Image:
    """One snapshot or AMI of ours.

    Attributes:
        cloud: "digitalocean", …
        id: the cloud's ID, as text. If copies have different IDs, the ID in `home`, or in the first region that has
            the image.
        size_gb: billed size in GB.
        regions: the regions that can boot the image now, sorted.
        ready: the build finished and was verified (the tag that is written last).
        revoked: an operator revoked the image; neither the image nor its children are adopted.
        lease: Unix time until which the unfinished build counts as alive; None for a ready image.
        elsewhere: region -> the image's ID in the region, if it differs from `id`.
        duplicates: further IDs in a region that has the image already: somebody copied it by hand.
        min_disk_gb: the smallest disk that the image boots on; None if the cloud has no such limit.
        lost: what happened to the image in its home region, so that it must be rebuilt or copied; None if it is there.
    """

    cloud: str
    id: str
    name: str
    identity: Identity
    created_at: datetime
    size_gb: float
    regions: tuple[str, ...]
    ready: bool
    revoked: bool
    lease: int | None
    tags: tuple[str, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    duplicates: tuple[str, ...] = ()
    min_disk_gb: int | None = None
    lost: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All IDs of the image."""
        return frozenset((self.id, *self.elsewhere.values(), *self.duplicates))

    def id_in(self, region: str) -> str:
        """The image's ID in one of `regions`."""
        return self.elsewhere.get(region, self.id)

    @property
    def role(self) -> str:
        return self.identity.role

    @property
    def run(self) -> str:
        return self.identity.run

    @property
    def fingerprint(self) -> str:
        return self.identity.fingerprint

    @property
    def imported(self) -> bool:
        """Somebody else built it; a machine can be pinned to it, and no build adopts it."""
        return IMPORTED in self.tags

    @property
    def managed(self) -> bool:
        """Retention may decide on it: Bakewell built it, or its import said so."""
        return not self.imported or MANAGED in self.tags


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource in the cloud that would break, or could not be restored, if `image_id` were deleted.

    Attributes:
        kind: "droplet", "autoscale pool", "launch template", …
    """

    image_id: str
    kind: str
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.id})"


def tag(key: str, value: str) -> str:
    """`bakewell:<key>:<value>`."""
    return f"{NAMESPACE}:{key}:{value}"


def parse_tag(text: str) -> tuple[str, str] | None:
    """The key and value of a tag of ours (value "" for a flag); None for other tags."""
    match = _TAG.match(text)
    return (match["key"], match["value"] or "") if match else None


def lease_of(tags: Iterable[str]) -> int | None:
    """The latest lease among `tags`, in Unix seconds; None if there is no lease."""
    leases = [int(p[1]) for t in tags if (p := parse_tag(t)) is not None and p[0] == "lease" and _LEASE.fullmatch(p[1])]
    return max(leases, default=None)


def new_run() -> str:
    """A run ID: 12 hex digits."""
    return secrets.token_hex(6)


def image_name(prefix: str, role: str, run: str, now: datetime) -> str:
    """`<prefix>-<role>-YYYY-MM-DD-HHMM-<6 hex of the run>`, in UTC: what `name_regex` and `most_recent` find."""
    return f"{prefix}-{role}-{now.astimezone(UTC):%Y-%m-%d-%H%M}-{run[:6]}"


def newest_first(images: Iterable[Image]) -> list[Image]:
    """Images by age, newest first; equal times are ordered by name and ID so that every run agrees."""
    return sorted(images, key=lambda i: (i.created_at, i.name, i.id), reverse=True)


def adoptable(images: Iterable[Image], role: str, fingerprint: str, region: str) -> Image | None:
    """The image to adopt for `fingerprint` in `region`: ready, not revoked, without a revoked ancestor.

    Of several images, an image that was built in `region` comes first, then an image that `region` can boot, then the
    newest.
    """
    every = list(images)
    by_run = {image.run: image for image in every}
    fits = [i for i in every if i.role == role and i.fingerprint == fingerprint and i.ready and not i.imported]
    good = [i for i in newest_first(fits) if not tainted(i, by_run)]
    return min(good, key=lambda i: (i.identity.home != region, region not in i.regions), default=None)


def tainted(image: Image, by_run: dict[str, Image]) -> bool:
    """Whether the image or one of its ancestors, as far as they still exist, was revoked."""
    seen: set[str] = set()
    at: Image | None = image
    while at is not None and at.run not in seen:
        if at.revoked:
            return True
        seen.add(at.run)
        at = by_run.get(at.identity.parent) if at.identity.parent else None
    return False
