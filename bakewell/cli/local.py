"""`bakewell local`: the local cloud of this project. Becomes the process that does it, and imports nothing of it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from bakewell.cli.common import Debug
from bakewell.errors import ConfigError
from bakewell.project import working_directory

CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""What follows the first word is the local cloud's to read."""


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="up, preview, env, status, reset or down, and its options.", metavar="COMMAND [OPTION…]"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Run this project's local cloud; without a COMMAND, say what there is."""
    working_directory()  # which becomes the other process's
    if find_spec("bakewell_local") is None:
        raise ConfigError("the local cloud is not installed", remedy="run: pip install 'bakewell[local]'")
    options = ["--debug"] if debug else []
    # -P: a module of the project's own must not stand in for one of ours.
    program = [sys.executable, "-P", "-m", "bakewell_local", *options, *(words or ["--help"])]
    sys.stdout.flush()
    os.execv(sys.executable, program)
