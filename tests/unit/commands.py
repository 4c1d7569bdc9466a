"""The commands of `bakewell`, as its own parser knows them: those of a group by both words."""

from __future__ import annotations

import click
import typer

from bakewell.cli.app import app

_CLI = typer.main.get_command(app)
assert isinstance(_CLI, click.Group)
COMMANDS = {
    words: command
    for name, found in _CLI.commands.items()
    for words, command in (
        {f"{name} {below}": command for below, command in found.commands.items()}
        if isinstance(found, click.Group)
        else {name: found}
    ).items()
}
