"""`bakewell lock`: write down which exact stock images builds start from, and what downloaded files must be.

Nothing else moves packer/bases.lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Json, Project, note, print_json
from bakewell.errors import ConfigError

if TYPE_CHECKING:
    from bakewell.downloads import Declared

    Stated = dict[tuple[str, str], tuple[Declared, Path]]
    """By name and version: who declares it, and the image.toml that states the version."""


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Bases and downloads; all that images use by default.", metavar="[NAME…]"),
    ] = None,
    image: Annotated[str | None, typer.Option(help="What the cloud finds a base by, where that is new.")] = None,
    cloud: CloudName = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Look up what each base is now, and the vendors' checksums of downloads: to be reviewed and committed."""
    del debug
    project = Project.here()
    bases, downloads = _wanted(project, names or [])
    if image and (len(bases) != 1 or downloads):
        raise ConfigError("--image is for one base", remedy="name the base: bakewell lock NAME --image SLUG")
    mirror = project.bases.mirror
    if mirror is not None and downloads:
        _leave(mirror, downloads, named=bool(names))
        downloads = {}
    clouds = project.clouds(cloud) if bases else []
    if image and len(clouds) != 1:
        raise ConfigError("--image is for one cloud", remedy=f"say for which: --cloud {clouds[0]}")
    moved: dict[str, bool] = {}
    for each in clouds:
        moved |= _lock_bases(project, each, bases, image, quiet=as_json)
    moved |= _lock_downloads(project, downloads, quiet=as_json)
    if as_json:
        print_json(moved)


def _wanted(project: Project, names: list[str]) -> tuple[list[str], Stated]:
    """The bases and the downloads that `names` name; whatever images use where there are none."""
    from bakewell.bases import check_name
    from bakewell.downloads import declared, used

    found, based = declared(project.catalog), {spec.base for spec in project.catalog if spec.base}
    stated: Stated = {}
    for spec in project.catalog:
        for one, version in used(spec, found):
            stated.setdefault((one.name, version), (one, spec.file))
    if not names:
        return sorted(based), stated
    for name in names:
        check_name(name)
        if name in found and name not in based and not any(name == one for one, _ in stated):
            raise ConfigError(
                f"no image states a version of `{name}`, so there is nothing to lock",
                file=found[name].file,
                remedy=f"state it under [versions] in the image.toml of one that has the step {found[name].step}",
            )
    bases = sorted({name for name in names if name in based or name not in found})
    return bases, {key: value for key, value in stated.items() if key[0] in names}


def _lock_bases(project: Project, on: str, names: list[str], image: str | None, *, quiet: bool) -> dict[str, bool]:
    from bakewell.bases import BaseEntry

    bases, local, moved = project.connect(on).bases, project.environment.local(on), {}
    for name in names:
        locked = project.bases.find(name, on)
        if locked and locked.ids and local:
            raise ConfigError(
                f"base `{name}` is locked to images of the real cloud, and the endpoint is the local one",
                file=project.bases.path,
                remedy="lock it with the real cloud's credentials and no DIGITALOCEAN_API_URL or AWS_ENDPOINT_URL",
            )
        slug = image or (locked.image if locked else bases.usual(name))
        stock = bases.stock(slug)
        # IDs of the local cloud mean nothing elsewhere; there a build starts from the slug.
        ids = {} if local else stock.ids
        entry = BaseEntry(image=slug, name=stock.name, date=stock.date, ids=ids)
        new = project.bases.update(on, name, entry)
        moved[f"{name} on {on}"] = new
        if not quiet:
            note(f"{name} on {on}: {stock.name}, {stock.date}: {'locked' if new else 'unchanged'}")
    return moved


def _lock_downloads(project: Project, stated: Stated, *, quiet: bool) -> dict[str, bool]:
    from bakewell.downloads import checksums

    moved = {}
    for (name, version), (one, file) in sorted(stated.items(), key=lambda item: item[0]):
        digests = checksums(one, version, file)
        moved[f"{name} {version}"] = new = project.bases.update_download(name, version, digests)
        if not quiet:
            note(f"{name} {version}: {', '.join(sorted(digests))}: {'locked' if new else 'unchanged'}")
    return moved


def _leave(mirror: Path, stated: Stated, *, named: bool) -> None:
    """Say why nothing is locked here; an error where the user asked for these by name."""
    names = " ".join(sorted({name for name, _ in stated}))
    why = f"{names}: the local cloud's mirror stands in for vendors here, and its checksums are nobody else's"
    if named:
        raise ConfigError(why, file=mirror, remedy=f"unset BAKEWELL_DOWNLOADS and run: bakewell lock {names}")
    note(f"{why}; not locked")
