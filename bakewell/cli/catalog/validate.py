"""`bakewell validate`: check the catalog, the contexts and, by Packer, the templates. Builds nothing, asks no cloud."""

from __future__ import annotations

from typing import Annotated

import typer

from bakewell.cli.common import CLOUD, Debug, Json, Project, note, print_json


def command(
    roles: Annotated[list[str] | None, typer.Argument(help="Images, or all of the stack's.", metavar="[ROLE…]")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check images before they are built: image.toml, files, templates (packer validate)."""
    del debug
    from bakewell.build.packer import validate

    project = Project.here()
    chosen = project.roles(roles or [])
    found = project.fingerprints(chosen)
    for role in chosen:
        validate(
            project.catalog,
            role,
            CLOUD,
            project.bases,
            found[role].value,
            project.environment,
            project.settings,
            again=True,
        )
        if not as_json:
            note(f"{role}: valid, fingerprint {found[role].value[:12]}")
    if as_json:
        print_json([{"role": role, "fingerprint": found[role].value} for role in chosen])
