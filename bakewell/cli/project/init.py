"""`bakewell init`: a project of one's own, in an empty folder or beside a Pulumi program."""

from __future__ import annotations

import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bakewell.cli.common import Debug, note, print_text
from bakewell.errors import BakewellError, ConfigError
from bakewell.project import working_directory


class Program(StrEnum):
    """The Pulumi program to write."""

    python = "python"
    none = "none"


def command(
    directory: Annotated[
        Path, typer.Argument(help="The project's folder; made where it is missing.", metavar="[DIR]")
    ] = Path(),
    name: Annotated[str | None, typer.Option(help="The project's name; by default the folder's.")] = None,
    cloud: Annotated[
        list[str] | None,
        typer.Option(help="digitalocean (by default), aws or docker; may be given again.", metavar="CLOUD"),
    ] = None,
    program: Annotated[Program, typer.Option(help="none: leave the program to you, in any language.")] = Program.python,
    github: Annotated[bool, typer.Option("--github", help="Write workflows for GitHub Actions too.")] = False,
    debug: Debug = False,
) -> None:
    """Make a project: a stack for the local cloud, and one role whose machine answers HTTP. Overwrites nothing."""
    del debug
    from bakewell.scaffold.project import Plan, files
    from bakewell.scaffold.writing import write
    from bakewell.settings.files import named_runtime

    folder = (working_directory() / directory).resolve()
    clouds = _clouds(cloud or [])
    _refuse_inside_a_project(folder)
    there = _program_there(folder)
    if program is Program.none and there is None:
        raise ConfigError(
            "there is no Pulumi.yaml, and --program none leaves the program to you",
            file=folder,
            remedy="make the program first (pulumi new), or leave --program out for one in Python",
        )
    if program is Program.python and there is not None and (runtime := named_runtime(there)) != "python":
        raise ConfigError(
            f"the Pulumi program here is not in Python: its runtime is {runtime}",
            file=folder / "Pulumi.yaml",
            remedy="say --program none, and use Bakewell's components from your program (docs/own-project.md)",
        )
    plan = Plan(
        name=_name(name, there, folder),
        clouds=clouds,
        program=program is Program.python,
        project_file=there is None,
        github=github,
    )
    written = write(folder, files(plan))
    for path in written.made:
        note(f"new        {path}")
    for path in written.same:
        note(f"unchanged  {path}")
    for difference in written.differing.values():
        print_text(f"{difference}\n")
    if written.differing:
        raise BakewellError(
            f"the project is there, but these files had other content and were left: {', '.join(written.differing)}",
            file=folder,
            remedy="take over what you want of the differences above",
        )
    where = "" if folder == working_directory() else f"cd {shlex.quote(str(directory))} && "
    note(f"project {plan.name} is ready; next: {where}bakewell local up")


def _clouds(given: list[str]) -> list[str]:
    from bakewell.reading import did_you_mean
    from bakewell.scaffold.project import CLOUDS

    for name in given:
        if name not in CLOUDS:
            raise ConfigError(
                f"there is no cloud `{name}`{did_you_mean(name, CLOUDS)}", remedy=f"choose from {', '.join(CLOUDS)}"
            )
    return list(dict.fromkeys(given)) or [CLOUDS[0]]


def _refuse_inside_a_project(folder: Path) -> None:
    from bakewell.reading import looking

    for each in (folder, *folder.parents):
        with looking("the folder", each):
            ours = (each / "packer/images").is_dir() or (each / "packer/bases.lock").is_file()
            ours = ours and (each / "Pulumi.yaml").is_file()
        if ours:
            raise ConfigError(
                f"this is{'' if each == folder else ' inside'} a Bakewell project already",
                file=each,
                remedy="for another role run: bakewell new-role NAME; for another project choose a folder outside",
            )


def _program_there(folder: Path) -> dict[str, Any] | None:
    """The folder's Pulumi.yaml; None where there is none. Raises ConfigError for no mapping, or another name of it."""
    from bakewell.reading import looking
    from bakewell.settings.files import read_project

    with looking("the folder", folder):
        for name in ("Pulumi.yml", "Pulumi.json"):
            if (folder / name).exists():
                raise ConfigError(
                    "this Pulumi program is described in a file that Bakewell does not read",
                    file=folder / name,
                    remedy="have it in YAML, as Pulumi.yaml; Pulumi reads that alike",
                )
        if not (folder / "Pulumi.yaml").exists():
            return None
    return dict(read_project(folder))


def _name(given: str | None, there: dict[str, Any] | None, folder: Path) -> str:
    """The name that was asked for, else one made of what Pulumi.yaml or the folder is called."""
    from bakewell.reading import NAME
    from bakewell.scaffold.project import valid_name

    what = "lower-case letters, digits and single hyphens, a letter first, 40 at most"
    if given is not None:
        if not re.fullmatch(NAME, given) or len(given) > 40:
            raise ConfigError(
                f"`{given}` cannot name a project: Pulumi, tags or names of images refuse it", remedy=f"use {what}"
            )
        return given
    called = str((there or {}).get("name") or folder.name)
    if name := valid_name(called):
        return name
    raise ConfigError(f"no name can be made of `{called}`", file=folder, remedy=f"choose one by --name: {what}")
