"""`bakewell fmt`: lay Packer's templates out as `packer fmt` does."""

from __future__ import annotations

import subprocess
from typing import Annotated

import typer

from bakewell.cli.common import Debug, Project, note
from bakewell.errors import ConfigError

_UNFORMATTED = 3  # how `packer fmt -check` ends when it would change something, and nothing else is wrong


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 if something would change.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Format the templates under packer/."""
    del debug
    from bakewell.build.packer import find

    folder = Project.here().catalog.packer_dir
    options = ["-check", "-diff"] if check else []
    status = subprocess.run([find(), "fmt", "-recursive", *options, "."], cwd=folder, check=False).returncode
    if check and status == _UNFORMATTED:
        note("some templates are not laid out as packer fmt does\n  remedy: run: bakewell fmt")
        raise typer.Exit(1)
    if status:
        raise ConfigError(
            "packer fmt cannot read every template", file=folder, remedy="correct the syntax where Packer says so above"
        )
