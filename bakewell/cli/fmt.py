"""`bakewell fmt`: lay Packer's templates out as `packer fmt` does."""

from __future__ import annotations

import subprocess
from typing import Annotated

import typer

from bakewell.cli.common import Debug, Project, note


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 if something would change.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Format the templates under packer/."""
    del debug
    from bakewell.build.packer import find

    folder = Project.here().root / "packer"
    options = ["-check", "-diff"] if check else []
    done = subprocess.run([find(), "fmt", "-recursive", *options, "."], cwd=folder, check=False)
    if done.returncode and check:
        note("some templates are not laid out as packer fmt does\n  remedy: run: bakewell fmt")
    if done.returncode:
        raise typer.Exit(1)
