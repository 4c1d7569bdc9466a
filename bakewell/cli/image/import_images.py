"""`bakewell import images`: images that the account has already become images of a role."""

from __future__ import annotations

from typing import Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Project, note, table
from bakewell.errors import ConfigError


def command(
    name_regex: Annotated[
        str, typer.Option("--name-regex", help="A regular expression that is found in their names.", metavar="REGEX")
    ],
    role: Annotated[str, typer.Option(help="The role that they are images of.", metavar="ROLE")],
    managed: Annotated[bool, typer.Option("--managed", help="Let retention delete them as it does others.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Undo an import: take Bakewell's tags off again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    cloud: CloudName = None,
    debug: Debug = False,
) -> None:
    """Import snapshots and AMIs by their names: `list` shows them, a pin boots them, no build adopts them."""
    del debug
    from bakewell.importing import images

    project = Project.here()
    settings = project.settings
    (role,) = project.roles([role])
    if forget and managed:
        raise ConfigError("--forget and --managed exclude each other", remedy="leave one of them out")
    wanted = images.pattern(name_regex)
    names = project.clouds(cloud)
    named = (cloud is not None) or len(names) == 1
    for name in names:
        there = project.connect(name)
        others = there.importable
        if others is None and named:
            raise ConfigError(
                f"images of {name} cannot be imported: their labels cannot be changed",
                remedy=f"build on one: bakewell lock BASE --cloud {name} --image NAME",
            )
        if others is None:
            continue
        if forget:
            pins = frozenset(settings.pins_on(name).values())
            steps = images.plan_forget(there.images, others, wanted, project=settings.project, role=role, pins=pins)
        else:
            home = settings.home(name)
            steps = images.plan_import(
                there.images, others, wanted, project=settings.project, role=role, home=home, managed=managed
            )
        table(
            ("cloud", "name", "ID", "", "why"),
            [(name, s.name, ", ".join(s.ids), f"would {s.act}" if dry_run else s.act, s.why or "-") for s in steps],
        )
        changing = sum(step.changes for step in steps)
        if dry_run:
            note(f"{name}: {changing} of {len(steps)} images called `{name_regex}` would change; nothing was written")
            continue
        images.carry_out(there.images, steps, note)
        note(f"{name}: {changing} of {len(steps)} images called `{name_regex}` changed")
        if managed and changing:
            note(
                f"{name}: retention decides on them from now on; to see what it would delete: bakewell clean --dry-run"
            )
