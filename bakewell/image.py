"""An image of ours as a cloud shows it: its identity is in its tags, its name is for people.

Tags and names follow DESIGN's decision 13. Tags hold letters, digits, `:`, `-` and `_`, at most 255 characters: the
narrowest rule among the clouds (DigitalOcean's). This module only encodes and decodes; it calls no cloud.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

NAMESPACE = "bakewell"
_TAG = re.compile(rf"^{NAMESPACE}:(?P<key>[a-z]+)(?::(?P<value>[A-Za-z0-9_-]+))?$")
_LEASE = re.compile(r"[0-9]{1,11}")  # more digits are no date


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an image (or the machine that builds it) is: what the tags say.

    Attributes:
        project: whose image it is; images of other projects are never touched.
        role: the folder under packer/images/ it was built from.
        fingerprint: 64 hex digits, the content it was built from.
        run: 12 hex digits, unique to one build.
        parent: the run of the image it was built on; None for one built on a stock base.
        home: the region it was built in; copies elsewhere do not change it.
    """

    project: str
    role: str
    fingerprint: str
    run: str
    parent: str | None
    home: str

    @property
    def builder_name(self) -> str:
        """`<role>-<run>`: what its builder is called. A hostname of one label, so 63 characters at most."""
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
        return tuple(sorted(tag(key, value) for key, value in pairs.items() if value is not None))

    @classmethod
    def from_tags(cls, tags: Iterable[str]) -> Identity | None:
        """The identity that `tags` spell, or None where they don't name exactly one whole one: not ours, then."""
        found: dict[str, set[str]] = {}
        for text in tags:
            pair = parse_tag(text)
            if pair is not None and pair[1]:
                found.setdefault(pair[0], set()).add(pair[1])
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
        id: the cloud's ID, as text; where copies have IDs of their own, the one in `home`, or in the first region
            that has any.
        size_gb: what the cloud charges for, in GB.
        regions: where it can be booted now, sorted.
        ready: the build finished, was verified and said so (the tag written last).
        revoked: an operator took it back; neither it nor what was built on it is adopted.
        lease: Unix time until which its unfinished build is presumed alive; None when ready.
        elsewhere: region -> the ID that the image has there, where that is another one.
        duplicates: further IDs that it has in a region where it has one already: somebody copied it by hand.
        min_disk_gb: the smallest disk that it boots on; None where the cloud names none.
        lost: what has become of it where it was built, so that it has to be made or copied again; None for nothing.
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
        """Every ID that it has."""
        return frozenset((self.id, *self.elsewhere.values(), *self.duplicates))

    def id_in(self, region: str) -> str:
        """What it is called in a region, of those where it can be booted."""
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


@dataclass(frozen=True, slots=True)
class Reference:
    """Something in the cloud that would break, or lose its way back, if `image_id` went.

    Attributes:
        kind: "droplet", "autoscale pool", "launch template", …
    """

    image_id: str
    kind: str
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.id})"


READY = f"{NAMESPACE}:ready"
REVOKED = f"{NAMESPACE}:revoked"


def tag(key: str, value: str) -> str:
    """`bakewell:<key>:<value>`."""
    return f"{NAMESPACE}:{key}:{value}"


def parse_tag(text: str) -> tuple[str, str] | None:
    """The key and value of one of our tags (value "" for a flag); None for anybody else's."""
    match = _TAG.match(text)
    return (match["key"], match["value"] or "") if match else None


def lease_of(tags: Iterable[str]) -> int | None:
    """The latest lease among `tags`, in Unix seconds; None where there is none."""
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
    """The image that stands for a build of `fingerprint` in `region`: ready, not revoked, no revoked ancestor.

    Of several, one that was built in `region` comes first, then one that can be booted there, then the newest.
    """
    every = list(images)
    by_run = {image.run: image for image in every}
    fits = [i for i in every if i.role == role and i.fingerprint == fingerprint and i.ready]
    good = [i for i in newest_first(fits) if not tainted(i, by_run)]
    return min(good, key=lambda i: (i.identity.home != region, region not in i.regions), default=None)


def tainted(image: Image, by_run: dict[str, Image]) -> bool:
    """True when the image, or an image it was built on (as far as they still exist), was revoked."""
    seen: set[str] = set()
    at: Image | None = image
    while at is not None and at.run not in seen:
        if at.revoked:
            return True
        seen.add(at.run)
        at = by_run.get(at.identity.parent) if at.identity.parent else None
    return False
