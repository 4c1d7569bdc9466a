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
    """Make a project: a stack for the local cloud, and one role whose machine answers HTTP. Overwrites nothing.

    Run again in a project, it adds what is missing.
    """
    del debug
    from bakewell.scaffold.project import Plan, files
    from bakewell.scaffold.writing import write
    from bakewell.settings.files import project_runtime

    folder = (working_directory() / directory).resolve()
    given = _clouds(cloud or [])
    _refuse_inside_a_project(folder)
    there = _program_there(folder)
    if program is Program.none and there is None:
        raise ConfigError(
            "there is no Pulumi.yaml, and --program none leaves the program to you",
            file=folder,
            remedy="make the program first (pulumi new), or leave --program out for one in Python",
        )
    if there is not None and (runtime := project_runtime(folder)) != "python" and program is Program.python:
        raise ConfigError(
            f"the Pulumi program here is not in Python: its runtime is {runtime}",
            file=folder / "Pulumi.yaml",
            remedy="say --program none, and use Bakewell's components from your program (docs/own-project.md)",
        )
    named, clouds = _settled(folder) if there is not None and _is_ours(folder) else (None, [])
    plan = Plan(
        name=_name(name or named, there, folder),
        clouds=list(dict.fromkeys([*clouds, *given])) or ["digitalocean"],
        program=_program_path(folder, there) if program is Program.python else None,
        project_file=there is None,
        role=not _has_roles(folder),
        github=github,
    )
    remedy = "choose a folder that this user can write to; nothing was written"
    written = write(folder, files(plan), what="the project cannot be written", remedy=remedy)
    for path in written.made:
        note(f"new        {path}")
    for path in written.same:
        note(f"unchanged  {path}")
    for path, difference in written.differing.items():
        print_text(f"{_for_their_program(folder, path) if path == plan.program else difference}\n")
    if written.differing:
        raise BakewellError(
            f"the project is there, but these files had other content and were left: {', '.join(written.differing)}",
            file=folder,
            remedy="take over what you want of the differences above",
        )
    where = "" if folder == working_directory() else f"cd {shlex.quote(str(directory))} && "
    if plan.program is None:
        note(
            f"project {plan.name} is ready, but for the program: use the components Images, Machines and "
            f"ImageRetention there (docs/languages.md), then run: {where}bakewell local up"
        )
    else:
        note(f"project {plan.name} is ready; next: {where}bakewell local up")


def _program_path(folder: Path, there: dict[str, Any] | None) -> str:
    """Where Pulumi runs the program from, below the folder: `main` of Pulumi.yaml is a folder or a file.

    Raises:
        ConfigError: it is neither, or outside the folder.
    """
    from bakewell.reading import looking

    main = (there or {}).get("main") or "."
    remedy = "name a folder or a file of the project there, or leave `main` out"
    if not isinstance(main, str):
        raise ConfigError("`main` is no path", file=folder / "Pulumi.yaml", remedy=remedy)
    with looking("the program", folder / main):
        path = (folder / main).resolve()
        if not path.is_relative_to(folder):
            raise ConfigError(
                f"`main` is {main}, which is outside the project", file=folder / "Pulumi.yaml", remedy=remedy
            )
        if path.suffix != ".py" or path.is_dir():
            path /= "__main__.py"
    return path.relative_to(folder).as_posix()


def _for_their_program(folder: Path, path: str) -> str:
    """How the program that is there differs from ours; of a program that does not use Bakewell, what to add to it."""
    from bakewell.reading import read_text
    from bakewell.scaffold import sources
    from bakewell.scaffold.writing import additions, difference

    there, ours = read_text(folder / path, path), sources.repository("__main__.py")
    if "pulumi_bakewell" in there:
        return difference(path, there, ours)
    return additions(path, ours[ours.index("from typing") : ours.index("gc.freeze()")].rstrip().splitlines())


def _settled(folder: Path) -> tuple[str | None, list[str]]:
    """Of a project that is there: whose images these are and its clouds, as the stack dev has them."""
    from bakewell.settings import load_settings

    if not (folder / "Pulumi.dev.yaml").exists():
        return None, []
    settings = load_settings("dev", folder)
    return settings.project, list(settings.clouds)


def _has_roles(folder: Path) -> bool:
    from bakewell.reading import looking

    with looking("the folder", folder):
        return any((folder / "packer/images").glob("*/image.toml"))


def _is_ours(folder: Path) -> bool:
    """Whether this is a Bakewell project."""
    from bakewell.reading import looking

    with looking("the folder", folder):
        ours = (folder / "packer/images").is_dir() or (folder / "packer/bases.lock").is_file()
        return ours and (folder / "Pulumi.yaml").is_file()


def _clouds(given: list[str]) -> list[str]:
    from bakewell.reading import did_you_mean
    from bakewell.scaffold.project import CLOUDS

    for name in given:
        if name not in CLOUDS:
            raise ConfigError(
                f"there is no cloud `{name}`{did_you_mean(name, CLOUDS)}", remedy=f"choose from {', '.join(CLOUDS)}"
            )
    return list(dict.fromkeys(given))


def _refuse_inside_a_project(folder: Path) -> None:
    for each in (folder, *folder.parents):
        if _is_ours(each) and each != folder:
            raise ConfigError(
                "this is inside a Bakewell project",
                file=each,
                remedy="for another role run: bakewell new-role NAME; for another project choose a folder outside; "
                "to add to that project run bakewell init there",
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
