"""The commands of `bakewell`, as its own parser knows them."""

from __future__ import annotations

import click
import typer

from bakewell.cli.app import app

_CLI = typer.main.get_command(app)
assert isinstance(_CLI, click.Group)
COMMANDS = _CLI.commands
