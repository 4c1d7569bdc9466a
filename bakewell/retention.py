"""The retention plan: which images stay and which are deleted. Pure: it neither calls the cloud nor deletes.

An image is deleted only if no guard has a reason to keep it. The guards are separate functions (`GUARDS`) that do not
depend on each other; `_lineage` then keeps the ancestors of kept images. The caller must pass complete evidence, every
image of the project and every reference of the account, or it must not plan at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bakewell.image import Image, Reference, adoptable, newest_first, tainted


@dataclass(frozen=True, slots=True)
class Policy:
    """The retention policy.

    Attributes:
        keep: number of finished images of each role to keep, newest first; at least 1.
        pins: names or IDs of images to keep at any age.
        project: the project whose images may be deleted; images of other projects never are.
    """

    keep: int
    pins: frozenset[str]
    project: str

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError("keep must be at least 1")


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one image, with all reasons to keep it."""

    image: Image
    keep: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for each image: by cloud and role, newest first."""

    decisions: tuple[Decision, ...]

    @property
    def kept(self) -> tuple[Decision, ...]:
        return tuple(decision for decision in self.decisions if decision.keep)

    @property
    def delete(self) -> tuple[Decision, ...]:
        """The images to delete, in order: children before parents, otherwise oldest first."""
        going = [decision for decision in self.decisions if not decision.keep]
        parents = _parents([decision.image for decision in going])
        return tuple(
            sorted(going, key=lambda d: (-_depth(d.image, parents), d.image.created_at, d.image.name, d.image.id))
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence for the guards.

    Attributes:
        references: image ID -> the resources that refer to the image.
        rank: rank of a finished image among the images of its cloud and role, newest = 1, images to be built included.
        current: IDs of the images that would be adopted for the stack's current fingerprints.
    """

    policy: Policy
    references: Mapping[str, Sequence[Reference]]
    rank: Mapping[str, int]
    current: frozenset[str]
    now: datetime


Guard = Callable[[Image, Evidence], list[str]]
"""A guard: all its reasons to keep an image."""


def in_use(image: Image, evidence: Evidence) -> list[str]:
    """A resource of the account refers to the image."""
    return [f"in use by {ref}" for id in sorted(image.ids) for ref in evidence.references.get(id, ())]


def pinned(image: Image, evidence: Evidence) -> list[str]:
    """A pin names the image."""
    return ["pinned"] if {image.name, *image.ids} & evidence.policy.pins else []


def newest(image: Image, evidence: Evidence) -> list[str]:
    """The image is among the newest finished images of its role."""
    rank, keep = evidence.rank.get(image.id), evidence.policy.keep
    return [f"newest {rank} of {keep}"] if rank is not None and rank <= keep else []


def current(image: Image, evidence: Evidence) -> list[str]:
    """The stack's files describe exactly this content. The image may be old, for example after a revert."""
    return ["what the stack asks for now"] if image.id in evidence.current else []


def being_built(image: Image, evidence: Evidence) -> list[str]:
    """The build may be alive: its lease has not expired."""
    if image.ready or image.lease is None or image.lease <= evidence.now.timestamp():
        return []
    return [f"not ready: its build's lease runs until {_moment(image.lease)}"]


def orphaned(image: Image, evidence: Evidence) -> list[str]:
    """The image is unfinished and no lease runs. The reaper deletes it if its lease has expired."""
    if image.ready or (image.lease is not None and image.lease > evidence.now.timestamp()):
        return []
    if image.lease is None:
        return ["not ready and without a lease: only you can tell what it is"]
    return [f"not ready: its lease ended {_moment(image.lease)}; the next build or clean removes what that build left"]


def not_ours(image: Image, evidence: Evidence) -> list[str]:
    """The image belongs to another project."""
    owner = image.identity.project
    return [f"not ours: it belongs to project {owner}"] if owner != evidence.policy.project else []


def unmanaged(image: Image, evidence: Evidence) -> list[str]:
    """Somebody else made it, and its import did not hand it over to retention."""
    del evidence
    return [] if image.managed else ["imported: not managed by retention"]


GUARDS: tuple[Guard, ...] = (in_use, pinned, newest, current, being_built, orphaned, not_ours, unmanaged)


def plan(
    images: Sequence[Image],
    references: Sequence[Reference],
    policy: Policy,
    *,
    unborn: Collection[str] = (),
    current: Mapping[str, str] | None = None,
    now: datetime,
) -> Plan:
    """Decide for every image whether it stays.

    Args:
        images: every image of the project, in any order; the plan has a decision for each.
        references: every resource of the account that refers to an image, in any order.
        policy: the retention policy.
        unborn: roles whose next image is not built yet; this image counts as the newest of its role.
        current: role -> current fingerprint of the stack's files; the image that any region would adopt is kept.
        now: the time that leases are compared with; must have a time zone.
    """
    by_image: dict[str, list[Reference]] = defaultdict(list)
    for reference in sorted(references, key=lambda r: (r.kind, r.name, r.id)):
        by_image[reference.image_id].append(reference)
    regions = {region for image in images for region in (image.identity.home, *image.regions)}
    asked = (
        adoptable(images, role, fingerprint, region)
        for role, fingerprint in (current or {}).items()
        for region in sorted(regions)  # of all stacks: each stack adopts the image that fits its region
    )
    evidence = Evidence(
        policy=policy,
        references=by_image,
        rank=_ranks(images, unborn),
        current=frozenset(image.id for image in asked if image is not None),
        now=now,
    )
    reasons = {image.id: [reason for guard in GUARDS for reason in guard(image, evidence)] for image in images}
    _lineage(images, reasons)
    ordered = sorted(newest_first(images), key=lambda image: (image.cloud, image.role))  # stable: newest first within
    return Plan(tuple(_decide(image, reasons[image.id], policy) for image in ordered))


def _decide(image: Image, reasons: list[str], policy: Policy) -> Decision:
    if reasons:
        return Decision(image, True, tuple(reasons))
    why = "revoked" if image.revoked else f"not among the newest {policy.keep} of {image.role}"
    return Decision(image, False, (why, "not in use", "not pinned"))


def _ranks(images: Sequence[Image], unborn: Collection[str]) -> dict[str, int]:
    """Ranks of the finished images that retention decides on. Revoked images and their children have no rank."""
    by_run = {image.run: image for image in images}
    places: dict[tuple[str, str], int] = {}
    ranks = {}
    for image in newest_first(images):
        if image.ready and image.managed and not tainted(image, by_run):
            group = (image.cloud, image.role)
            places[group] = places.get(group, 1 if image.role in unborn else 0) + 1
            ranks[image.id] = places[group]
    return ranks


def _lineage(images: Sequence[Image], reasons: dict[str, list[str]]) -> None:
    """Give every ancestor of a kept image a reason for each kept child."""
    parents = _parents(images)
    todo = [image for image in newest_first(images) if reasons[image.id]]
    done = {image.id for image in todo}
    while todo:
        child = todo.pop(0)
        for parent in parents.get(child.id, ()):
            reasons[parent.id].append(f"parent of kept {child.name}")
            if parent.id not in done:
                done.add(parent.id)
                todo.append(parent)


def _parents(images: Sequence[Image]) -> dict[str, list[Image]]:
    """Image ID -> its parent images: one image, or one per region if copies have different IDs."""
    by_run: dict[str, list[Image]] = defaultdict(list)
    for image in newest_first(images):
        by_run[image.run].append(image)
    return {
        image.id: [parent for parent in by_run.get(image.identity.parent or "", ()) if parent.id != image.id]
        for image in images
    }


def _depth(image: Image, parents: Mapping[str, Sequence[Image]]) -> int:
    """Number of the image's ancestors in `parents`."""
    depth, seen, above = 0, {image.id}, list(parents.get(image.id, ()))
    while above:
        depth += 1
        seen.update(parent.id for parent in above)
        above = [older for parent in above for older in parents.get(parent.id, ()) if older.id not in seen]
    return depth


def _moment(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
