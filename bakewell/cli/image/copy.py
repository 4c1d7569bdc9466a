"""`bakewell copy`: make an image available in a further region."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Project, note, print_json
from bakewell.errors import BuildError, CloudError


def command(
    role: Annotated[str, typer.Argument(help="The image.", metavar="ROLE")],
    region: Annotated[str, typer.Argument(help="Where to, such as sfo3.", metavar="REGION")],
    cloud: CloudName = None,
    debug: Debug = False,
) -> None:
    """Copy the image of the present content to a region, and wait; where it is there already, nothing happens."""
    del debug
    from bakewell.build import orphans
    from bakewell.image import adoptable

    project = Project.here()
    settings = project.settings
    name = project.clouds(cloud)[0]
    found = project.demanded(name, role)
    # For Pulumi, the program has looked already.
    there = project.connect(name) if os.environ.get("BAKEWELL_FINGERPRINT") else project.look(name)[0]
    image = adoptable(there.images.of(settings.project), role, found.value, settings.home(name))
    if image is None:
        raise BuildError(
            f"image {role} ({found.value[:12]}) is not built, so it cannot be copied to {region}",
            remedy=f"build it first: bakewell build {role}",
        )
    copied = image.id_in(region)
    if region not in image.regions:
        note(f"{role} | copying {image.name} ({image.id}) to {region}")
        try:
            copied = there.images.copy(image.id, region)
        except CloudError as error:
            has = ", ".join(image.regions)
            raise CloudError(
                f"{error.what}; {image.name} is in {has}, and not in {region}",
                remedy=f"{error.remedy or 'see what the cloud says'}; the next `pulumi up` makes the missing copy",
            ) from error
    orphans.reap_own(there, project.environment.where(name), settings.project, project.environment.state_dir, note)
    print_json({"id": copied, "region": region})
