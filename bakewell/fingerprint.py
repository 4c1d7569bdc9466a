"""Fingerprints: the identity of an image's content. They are known before any build, so a preview knows the changes.

A fingerprint is a SHA-256 over a canonical list (`frames`): format, cloud, role, path and content of each context file
(image.toml as it is staged: its versions and variables, no comments), the versions of Packer, its plugins, PyInfra and
testinfra that packer/ requires, the locked base, the parent's fingerprint, the period of the rebuild window, and the
encryption of the disk if it is not the default. It never includes secrets, absolute paths, times and modes of files,
regions, limits, image IDs or installed versions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from bakewell.bases import Bases
from bakewell.catalog import Catalog, ImageSpec
from bakewell.catalog.templates import requirements
from bakewell.context import Context, collect_all
from bakewell.context.frames import Frames

FORMAT = "3"
"""Increase it when the meaning of the list changes: every image is then rebuilt once."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The fingerprint of an image.

    Attributes:
        value: 64 hex digits.
        digests: the entries of Pulumi's diff: `Context.digests`, and an entry for each other input: `(packer)`,
            `(plugin …)`, `(base …)` or `(parent …)`, `(window)`, `(encryption)`.
        parent: the parent's fingerprint; None for an image on a stock base.
    """

    value: str
    digests: dict[str, str]
    parent: str | None


def fingerprints(
    catalog: Catalog, cloud: str, bases: Bases, *, now: datetime, roles: Collection[str] = (), encryption: str = ""
) -> dict[str, Fingerprint]:
    """The fingerprint of each image, parents first.

    Args:
        now: the time that determines the periods of rebuild windows; must have a time zone.
        roles: only these roles and their parents; all roles if empty.
        encryption: as `Settings.encryption`.

    Raises:
        ConfigError: as `Context.collect` and `templates.requirements`.
    """
    wanted = catalog.select(roles)
    contexts = collect_all(catalog, wanted, cloud, bases)
    result: dict[str, Fingerprint] = {}
    for role in wanted:
        spec = catalog[role]
        parent = result[spec.parent].value if spec.parent else None
        result[role] = _fingerprint(spec, contexts[role], bases, parent, now, encryption)
    return result


def period(window: str, now: datetime) -> str | None:
    """The calendar period of `now` in UTC: `2026-11` for "monthly", `2026-W47` for "weekly"; None for "never"."""
    if now.tzinfo is None:
        raise ValueError("now must carry a time zone")
    now = now.astimezone(UTC)
    if window == "monthly":
        return f"{now:%Y-%m}"
    if window == "weekly":
        year, week, _ = now.isocalendar()
        return f"{year}-W{week:02d}"
    return None


def _fingerprint(
    spec: ImageSpec, context: Context, bases: Bases, parent: str | None, now: datetime, encryption: str
) -> Fingerprint:
    frames, shown = Frames(), context.digests
    frames.add("format", FORMAT)
    frames.add("image", context.cloud, spec.role)
    for file in context.files:
        frames.add("file", file.path, file.digest)
    needed = requirements(context)
    frames.add("packer", needed.packer)
    shown["(packer)"] = needed.packer
    for plugin in needed.plugins:
        frames.add("plugin", plugin.source, plugin.version)
        shown[f"(plugin {plugin.name})"] = plugin.version
    if spec.base is not None:
        entry = bases.entry(spec.base, context.cloud)
        frames.add("base", spec.base, entry.image, entry.name, entry.date)
        shown[f"(base {spec.base})"] = f"{entry.image}, {entry.name}, {entry.date}"
    if spec.parent is not None and parent is not None:
        frames.add("parent", spec.parent, parent)
        shown[f"(parent {spec.parent})"] = parent[:16]
    window = period(spec.rebuild.window, now)
    if window is not None:
        frames.add("window", window)
        shown["(window)"] = window
    if encryption:
        frames.add("encryption", encryption)
        shown["(encryption)"] = encryption
    return Fingerprint(frames.hexdigest(), shown, parent)
