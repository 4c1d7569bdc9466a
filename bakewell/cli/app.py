"""The commands by name. Each is a file of its own, whose heavier imports happen when it runs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from bakewell.cli import doctor, local
from bakewell.cli.catalog import eject, fmt, lock, roles, stage, validate
from bakewell.cli.image import build, clean, copy, images, import_images
from bakewell.cli.machine import container, fleet, ready, retire
from bakewell.cli.project import import_templates, init, new_role

app = typer.Typer(
    name="bakewell",
    help="Machine images as infrastructure: build, look at and clean up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 1 other failure, 2 bad input, 3 cloud, 4 build, 5 interrupted.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(version("bakewell"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version, and exit.")
    ] = False,
) -> None: ...


imports = typer.Typer(name="import", no_args_is_help=True, help="Take in images and templates from before Bakewell.")
imports.command("images")(import_images.command)
imports.command("templates")(import_templates.command)
app.add_typer(imports)

app.command("init")(init.command)
app.command("new-role")(new_role.command)
app.command("build")(build.command)
app.command("validate")(validate.command)
app.command("fmt")(fmt.command)
app.command("list")(images.command)
app.command("roles")(roles.command)
app.command("clean")(clean.command)
app.command("stage")(stage.command)
app.command("eject")(eject.command)
app.command("copy")(copy.command)
app.command("lock")(lock.command)
app.command("doctor")(doctor.command)
app.command("local", context_settings=local.CONTEXT)(local.command)
app.command("container")(container.command)
app.command("fleet")(fleet.command)
app.command("ready")(ready.command)
app.command("retire")(retire.command)
