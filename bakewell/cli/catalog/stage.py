"""`bakewell stage`: lay out exactly what a build sees, to look at it or to run Packer there by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Json, Project, note, print_json, table


def command(
    role: Annotated[str, typer.Argument(help="The image.", metavar="ROLE")],
    directory: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.", metavar="DIR")],
    cloud: CloudName = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Lay out the context of an image, and say which layer each file is of; `packer build DIR` works there."""
    del debug
    from bakewell.context import Context

    project = Project.here()
    context = Context.collect(project.catalog, role, project.clouds(cloud)[0], project.bases)
    context.stage(directory)
    if as_json:
        print_json({"role": role, "directory": str(directory), "files": context.digests})
    else:
        table(("layer", "path"), [(layer, path) for path, layer in context.layers.items()])
        note(f"{len(context.files)} files, {context.size / 1000:.1f} kB, in {directory}")
