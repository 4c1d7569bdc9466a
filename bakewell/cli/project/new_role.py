"""`bakewell new-role`: a role that builds and passes its check, to be filled."""

from __future__ import annotations

from typing import Annotated

import typer

from bakewell.cli.common import Debug, Project, note
from bakewell.errors import ConfigError


def command(
    name: Annotated[str, typer.Argument(help="The role.", metavar="NAME")],
    parent: Annotated[
        str | None, typer.Option(help="The role that it is built on; a stock image by default.", metavar="ROLE")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write packer/images/NAME with what every role has: image.toml, deploy.py, checks.py."""
    del debug
    from bakewell.catalog.spec import check_role
    from bakewell.scaffold.project import role
    from bakewell.scaffold.writing import write

    project = Project.here()
    check_role(name, None, "choose another")
    folder = project.root / "packer" / "images" / name
    if folder.exists():
        raise ConfigError(f"role {name} is there already", file=folder, remedy="choose another name, or edit that one")
    catalog = project.catalog
    if parent is not None:
        catalog[parent]  # which must be there
    base = next((spec.base for spec in catalog if spec.base), "debian-12")
    files = role(name, parent=parent, base=base)
    remedy = "make packer/images writable; nothing was written"
    for path in write(project.root, files, what=f"role {name} cannot be written", remedy=remedy).made:
        note(f"new        {path}")
    note(f"next: edit them, then run: bakewell validate {name}")
