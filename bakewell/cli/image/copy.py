"""`bakewell copy`: make an image available in a further region."""

from __future__ import annotations

from typing import Annotated

import typer

from bakewell.cli.common import Debug, Project, note, print_json
from bakewell.errors import BuildError


def command(
    role: Annotated[str, typer.Argument(help="The image.", metavar="ROLE")],
    region: Annotated[str, typer.Argument(help="Where to, such as sfo3.", metavar="REGION")],
    debug: Debug = False,
) -> None:
    """Copy the image of the present content to a region, and wait; where it is there already, nothing happens."""
    del debug
    from bakewell.image import adoptable

    project = Project.here()
    found, settings, cloud = project.demanded(role), project.settings, project.cloud()
    image = adoptable(cloud.images(settings.project), role, found.value, settings.region)
    if image is None:
        raise BuildError(
            f"image {role} ({found.value[:12]}) is not built, so it cannot be copied to {region}",
            remedy=f"build it first: bakewell build {role}",
        )
    if region not in image.regions:
        note(f"{role} | copying {image.name} ({image.id}) to {region}")
        cloud.copy(image.id, region)
    print_json({"id": image.id, "region": region})
