"""Images that were there before Bakewell: given an identity, handed over to retention, or let go again.

An import only writes tags. `bakewell:imported` is written first and `bakewell:ready` last, so that an import that was
cut short is told from an image of somebody else's and from a finished one; the next import or `forget` finds it. An
imported image has no fingerprint, so no build adopts it, and without `bakewell:managed` retention never deletes it.

Docker has no part in this: the labels of an image cannot be changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bakewell.clouds.protocols import ImageList, Images, Importable
from bakewell.clouds.resources import Unidentified
from bakewell.errors import ConfigError
from bakewell.image import IMPORTED, MANAGED, NAMESPACE, READY, Identity, Image, new_run, tag

_BUILT = re.compile(r"-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4}-[0-9a-f]{6}$")  # how `image_name` ends
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one image.

    Attributes:
        ids: what it is called, in every region where it is.
        act: "skip" for an image that stays as it is; `why` says why.
        drop: tags that are taken off it first, in this order.
        tags: tags that are then written on it, in this order.
    """

    name: str
    ids: tuple[str, ...]
    act: Literal["import", "hand over", "forget", "skip"]
    why: str = ""
    drop: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the image becomes another."""
        return self.act != "skip"


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression that an image's name has to contain. Raises ConfigError for an invalid or an empty one."""
    try:
        found = re.compile(text)
    except re.error as error:
        raise ConfigError(
            f"--name-regex `{text[:80]}` is no regular expression: {error}", remedy="correct it; `^web-` for example"
        ) from error
    if not text:
        raise ConfigError("--name-regex is empty", remedy="say which names; `.` for every image of the account")
    return found


def plan_import(
    images: ImageList,
    others: Importable,
    wanted: re.Pattern[str],
    *,
    project: str,
    role: str,
    home: str,
    managed: bool,
) -> list[Step]:
    """What an import of the images called `wanted` would do. Nothing is changed.

    Args:
        home: the region that counts as theirs, where they are in it; else the first one that they are in.
        managed: whether retention may decide on them.
    """
    steps = []
    for image in images.of(project):
        if image.imported and wanted.search(image.name):
            steps.append(_again(image, role, managed=managed))
    for found in others.all():
        if wanted.search(found.name):
            steps.append(_first(found, project, role, home, managed=managed))
    return sorted(steps, key=lambda step: (step.name, step.ids))


def _again(image: Image, role: str, *, managed: bool) -> Step:
    ids = tuple(sorted(image.ids))
    if image.role != role:
        return Step(image.name, ids, "skip", f"imported as role {image.role}: --forget it there first")
    missing = tuple(text for text in ((MANAGED,) if managed else ()) + (READY,) if text not in image.tags)
    if not missing:
        return Step(image.name, ids, "skip", "imported already")
    return Step(image.name, ids, "hand over" if READY in image.tags else "import", tags=missing)


def _first(found: Unidentified, project: str, role: str, home: str, *, managed: bool) -> Step:
    ids = tuple(sorted(set(found.ids.values())))
    ours = tuple(text for text in found.tags if text.startswith(f"{NAMESPACE}:"))
    if ours and IMPORTED not in ours:
        return Step(found.name, ids, "skip", f"it carries tags of a build: {', '.join(ours)}")
    owners = {text for text in ours if text.startswith(tag("project", ""))} - {tag("project", project)}
    if owners:
        owner = min(owners).removeprefix(tag("project", ""))
        return Step(found.name, ids, "skip", f"project {owner} has begun to import it: finish or --forget it there")
    if _BUILT.search(found.name):
        return Step(found.name, ids, "skip", "it has the name of a build, which may not be finished")
    identity = Identity(project, role, "", new_run(), None, home if home in found.ids else min(found.ids))
    tags = (IMPORTED, *identity.tags(), *((MANAGED,) if managed else ()), READY)
    return Step(found.name, ids, "import", tags=tags, drop=tuple(text for text in ours if text != IMPORTED))


def plan_forget(
    images: ImageList, others: Importable, wanted: re.Pattern[str], *, project: str, role: str, pins: frozenset[str]
) -> list[Step]:
    """What forgetting the imported images of a role would do: every tag of ours goes. Nothing is changed.

    Args:
        pins: names and IDs that the stack pins, which therefore stay.
    """
    steps = []
    for image in images.of(project):
        if image.imported and image.role == role and wanted.search(image.name):
            ids = tuple(sorted(image.ids))
            if pins & {image.name, *ids}:
                steps.append(Step(image.name, ids, "skip", "the stack pins it: remove the pin first"))
            else:
                steps.append(Step(image.name, ids, "forget", drop=_last_marker(image.tags)))
    for found in others.all():
        theirs = {tag("project", project), tag("role", role)}
        stated = [text for text in found.tags if text.startswith((tag("project", ""), tag("role", "")))]
        if IMPORTED in found.tags and wanted.search(found.name) and set(stated) <= theirs:
            ids = tuple(sorted(set(found.ids.values())))
            steps.append(Step(found.name, ids, "forget", drop=_last_marker(found.tags)))
    return sorted(steps, key=lambda step: (step.name, step.ids))


def _last_marker(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags of ours: `ready` first and `imported` last, so that a removal that is cut short is found again."""
    ours = {text for text in tags if text.startswith(f"{NAMESPACE}:")}
    return (*((READY,) if READY in ours else ()), *sorted(ours - {READY, IMPORTED}), IMPORTED)


def carry_out(images: Images, steps: Sequence[Step], say: Say) -> None:
    """Do it. Raises CloudError at the first image that the cloud refuses to change."""
    for step in (step for step in steps if step.changes):
        say(f"{step.act}: {step.name} ({', '.join(step.ids)})")
        for image_id in step.ids:
            if step.drop:
                images.untag(image_id, step.drop)
            if step.tags:
                images.tag(image_id, step.tags)
