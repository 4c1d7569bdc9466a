"""`bakewell clean`: retention carried out, and what dead builds left removed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakewell.cli.common import CloudName, Debug, Json, Project, note, print_json, table

if TYPE_CHECKING:
    from bakewell.build.clean import Cleaned
    from bakewell.image import Image


def command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and why the rest stays.")] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Finished images to keep a role; the stack's by default.")
    ] = None,
    from_pulumi: Annotated[bool, typer.Option("--from-pulumi", help="Print what Pulumi stores.", hidden=True)] = False,
    cloud: CloudName = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete images that the policy lets go, and what builds that died left behind."""
    del debug
    from bakewell.build.clean import clean
    from bakewell.build.log import BOUND, Printer
    from bakewell.retention import Policy

    project = Project.here(for_pulumi=from_pulumi)
    settings, environment = project.settings, project.environment
    say = Printer(bound=BOUND, secrets=os.environ).for_role("retention") if from_pulumi else note
    looked = {name: project.look(name) for name in project.clouds(cloud)}  # all of them, before anything goes in any
    done = {}
    for name, (there, stack) in looked.items():
        current = {role: found.value for role, found in stack.desired.fingerprints.items()}
        policy = Policy(keep or settings.keep, frozenset(settings.pins_on(name).values()), settings.project)
        where = environment.where(name)
        done[name] = clean(there, where, environment.state_dir, policy, current, say, dry_run=dry_run)
    if from_pulumi:
        for decision in (decision for each in done.values() for decision in each.plan.kept):
            say(f"{decision.image.name} stays: {'; '.join(decision.reasons)}")
        print_json(
            {
                "deleted": [image.name for each in done.values() for image in each.deleted],
                "kept": sum(len(each.plan.kept) + len(each.spared) for each in done.values()),
            }
        )
    elif as_json:
        print_json(_mapping(list(done.values()), dry_run))
    else:
        for name, each in done.items():
            _show(name, each, dry_run)


def _mapping(done: Sequence[Cleaned], dry_run: bool) -> dict[str, Any]:
    def image(one: Image) -> dict[str, Any]:
        return {"cloud": one.cloud, "id": one.id, "name": one.name, "role": one.role}

    return {
        "dry_run": dry_run,
        "reaped": sum(each.reaped for each in done),
        "deleted": [image(one) for each in done for one in each.deleted],
        "spared": [image(one) for each in done for one in each.spared],
        "kept": [image(d.image) | {"reasons": d.reasons} for each in done for d in each.plan.kept],
    }


def _show(cloud: str, done: Cleaned, dry_run: bool) -> None:
    gone = {image.id for image in done.deleted}
    verb = "would go" if dry_run else "deleted"
    rows = [
        (
            d.image.role,
            d.image.name,
            d.image.id,
            verb if d.image.id in gone else "stays",
            "; ".join(d.reasons) if d.image.id not in gone else "",
        )
        for d in done.plan.decisions
    ]
    table(("role", "name", "ID", "", "why"), rows)
    size = sum(image.size_gb for image in done.deleted)
    note(f"{cloud}: {len(done.deleted)} images ({size:.2f} GB) {verb}; {len(rows) - len(gone)} stay")
