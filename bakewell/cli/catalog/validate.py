"""`bakewell validate`: check the catalog, the contexts and, by Packer, the templates. Builds nothing, asks no cloud.

Shared files that the project has for itself are listed, and those of which the package's own has changed since.
Without names, what the stack's machines would be told is checked as well: as far as no cloud has to be asked, what a
preview refuses is refused here. Packer comes last: without it, or its plugins, the rest is still told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Json, Project, note, print_json


def command(
    roles: Annotated[list[str] | None, typer.Argument(help="Images, or all of the stack's.", metavar="[ROLE…]")] = None,
    cloud: CloudName = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check images before they are built: image.toml, files, templates (packer validate)."""
    del debug
    from bakewell import desired
    from bakewell.build.packer import validate
    from bakewell.validation import validate_machines

    project = Project.here()
    chosen = project.roles(roles or [])
    found = {}
    for name in project.clouds(cloud):
        if not roles:
            wanted = desired.read(
                project.settings, project.root, name, file=project.file, mirror=project.environment.downloads
            )
            validate_machines(wanted, project.environment)
        found[name] = project.fingerprints(name, chosen)
        if not as_json:
            machines = "" if roles else ", and the user_data of the machines"
            note(f"{name}: valid before Packer is asked: {', '.join(chosen)}{machines}")
    for line in _overrides(project):
        note(line)
    done = []
    for name, fingerprints in found.items():
        for role in chosen:
            fingerprint = fingerprints[role].value
            validate(
                project.catalog,
                role,
                name,
                project.bases,
                fingerprint,
                project.environment,
                project.settings,
                again=True,
            )
            done.append({"role": role, "cloud": name, "fingerprint": fingerprint})
            if not as_json:
                note(f"{role}: valid for {name}, fingerprint {fingerprint[:12]}")
    if as_json:
        print_json(done)


def _overrides(project: Project) -> Iterator[str]:
    """A line for each shared file whose place the project takes."""
    from bakewell.catalog.ejected import overrides

    for override in overrides(project.catalog.layers):
        name, own = override.name, f"packer/{override.name}"
        yield {
            "same": f"{own} is the same as the package's: remove it, and it follows the package",
            "current": f"{own} takes the place of the package's",
            "unrecorded": f"{own} takes the place of the package's",
            "changed": f"{own} takes the place of the package's, which has changed since it was copied\n"
            f"  remedy: see how they differ (bakewell eject {name}), then: bakewell eject --keep {name}",
            "gone": f"{own} was copied from the package, which has it no more\n"
            f"  remedy: remove it; or, to keep it as the project's own: bakewell eject --keep {name}",
        }[override.state]
