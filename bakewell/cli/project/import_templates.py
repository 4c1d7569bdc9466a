"""`bakewell import templates`: roles from templates of Packer, and a list of what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bakewell.cli.common import Debug, Project, note, print_text
from bakewell.errors import BakewellError, ConfigError
from bakewell.project import working_directory

if TYPE_CHECKING:
    from bakewell.migration import Import


def command(
    templates: Annotated[
        list[Path],
        typer.Argument(help="Templates, files of variables (.pkrvars.hcl), or folders of templates.", metavar="FILE…"),
    ],
    files: Annotated[
        Path | None,
        typer.Option(help="Where files that templates name may be read; by default their repository.", metavar="DIR"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    debug: Debug = False,
) -> None:
    """Write a role for each image that Packer's templates make: HCL2 or JSON. Overwrites nothing, executes nothing."""
    del debug
    from bakewell.bases import Bases
    from bakewell.migration import plan
    from bakewell.scaffold.writing import write

    project = Project.here()
    here = working_directory()
    images = project.root / "packer" / "images"
    roles = {path.name for path in images.iterdir() if path.is_dir()} if images.is_dir() else set()
    bases = Bases.load(project.root / "packer" / "bases.lock").names
    if files is not None and not (here / files).is_dir():
        raise ConfigError("--files names no folder", file=here / files, remedy="name the folder that holds the files")
    found = plan([here / path for path in templates], roles=roles, bases=bases, root=here / files if files else None)
    written = write(
        project.root,
        found.files,
        what="the roles cannot be written",
        remedy="choose a project that this user can write to; nothing was written",
        by="bakewell import",
        whole=True,
        dry_run=dry_run,
    )
    if written.differing:
        for difference in written.differing.values():
            print_text(f"{difference}\n")
        raise BakewellError(
            f"these files are there with other content, and nothing was written: {', '.join(written.differing)}",
            file=project.root,
            remedy="move those roles out of the way, or rename the build in the template, and run the command again",
        )
    if dry_run:
        print_text("".join(_shown(found, written.made)))
    for path in written.made:
        note(f"{'would be new' if dry_run else 'new'}  {path}")
    for path in written.same:
        note(f"unchanged  {path}")
    print_text("".join(f"{line}\n" for line in _report(found)))
    for role in found.roles:
        note(f"next: look for TODO in packer/images/{role.name}, then run: bakewell validate {role.name}")
    if not found.roles:
        note("no image of these templates becomes a role: see above why")


def _shown(found: Import, paths: tuple[str, ...]) -> Iterator[str]:
    """The texts that would be written; of copied files their names alone."""
    for path in paths:
        if path.endswith((".toml", ".py", ".sh")):
            text = found.files[path].decode("utf-8", "replace")
            yield f"== {path}\n{''.join(c if c.isprintable() or c in chr(10) + chr(9) else '?' for c in text)}\n"


def _report(found: Import) -> Iterator[str]:
    """What is left to do, what needs nothing, and how much was translated."""
    from bakewell.migration.ledger import Kind

    todo, settled = found.ledger.of(Kind.todo), found.ledger.of(Kind.settled)
    if todo:
        yield f"Left to do, {len(todo)}:"
        for finding in todo:
            yield from finding.lines()
    if settled:
        yield f"Not taken over, because nothing has to be done, {len(settled)}:"
        for finding in settled:
            yield f"{finding.at}: {finding.what}: {finding.remedy}"
    yield f"Translated: {len(found.ledger.of(Kind.translated))} attributes and blocks."
