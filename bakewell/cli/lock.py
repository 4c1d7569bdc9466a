"""`bakewell lock`: write down which exact stock images builds start from. Nothing else moves packer/bases.lock."""

from __future__ import annotations

from typing import Annotated

import typer

from bakewell.cli.common import CLOUD, Debug, Json, Project, note, print_json
from bakewell.errors import ConfigError


def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Bases; all that images use by default.", metavar="[NAME…]")
    ] = None,
    image: Annotated[str | None, typer.Option(help="The cloud's own name (slug) of a base that is new.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Look up what each base is now, and write it to packer/bases.lock: to be reviewed and committed."""
    del debug
    from bakewell.bases import BaseEntry

    project = Project.here()
    used = {spec.base for spec in project.catalog if spec.base}
    wanted = sorted(names or used)
    if image and len(wanted) != 1:
        raise ConfigError("--image is for one base", remedy="name the base: bakewell lock NAME --image SLUG")
    cloud, moved = project.cloud(), {}
    for name in wanted:
        locked = project.bases.entry(name, CLOUD) if name in project.bases else None
        if locked and locked.ids and project.environment.local:
            raise ConfigError(
                f"base `{name}` is locked to images of the real cloud, and the endpoint is the local one",
                file=project.bases.path,
                remedy="lock it with the real cloud's token and no DIGITALOCEAN_API_URL",
            )
        slug = image or (locked.image if locked else f"{name}-x64")
        stock = cloud.stock(slug)
        # IDs of the local cloud mean nothing elsewhere; there a build starts from the slug.
        ids = {} if project.environment.local else stock.ids
        entry = BaseEntry(image=slug, name=stock.name, date=stock.date, ids=ids)
        moved[name] = project.bases.update(CLOUD, name, entry)
        if not as_json:
            note(f"{name}: {stock.name}, {stock.date}: {'locked' if moved[name] else 'unchanged'}")
    if as_json:
        print_json(moved)
