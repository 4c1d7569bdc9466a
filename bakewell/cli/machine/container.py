"""`bakewell container`: have a machine on Docker, or have it no more.

Pulumi runs this for each container of the stack; people run it to try an image. It reads neither the stack's settings
nor the catalog, so that a container can be removed whatever has become of them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from bakewell import extras
from bakewell.cli.common import Debug, print_json
from bakewell.errors import ConfigError


def command(
    name: Annotated[str, typer.Argument(help="The container's name.")],
    image: Annotated[str | None, typer.Option(help="What it boots from: an image's ID or name.")] = None,
    hostname: Annotated[str, typer.Option(help="What the machine calls itself.")] = "machine",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where it serves, to be reached from here.")
    ] = None,
    publish: Annotated[
        int | None, typer.Option(min=1, max=65535, help="This machine's port that leads there; any by default.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it.")] = False,
    debug: Debug = False,
) -> None:
    """Boot a container of an image, told who it is by user_data on stdin; or remove it."""
    del debug
    extras.check("docker")
    from bakewell.clouds.docker import api
    from bakewell.machine.container import boot
    from bakewell.settings import Environment

    if (image is None) != remove:
        raise ConfigError("one of --image and --remove is wanted", remedy=f"bakewell container {name} --image ID")
    if not api.CONTAINER.fullmatch(name):
        remedy = "use letters, digits and `_.-`, a letter or digit first"
        raise ConfigError(f"`{name[:60]}` can name no container", remedy=remedy)
    if image is not None and not api.REFERENCE.fullmatch(image):
        raise ConfigError(f"`{image[:60]}` is no image of Docker's", remedy="name it as `docker images` does")
    client = api.connect(Environment.read(os.environ))
    if image is None:
        with api.asking(f"remove container {name}"):
            api.remove_container(client, name)
        return
    user_data = "" if sys.stdin.isatty() else sys.stdin.read()
    booted = boot(
        client, name, image, hostname=hostname, user_data=user_data or "#cloud-config\n{}\n", port=port, publish=publish
    )
    print_json(asdict(booted))
