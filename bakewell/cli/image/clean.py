"""`bakewell clean`: retention carried out, and what dead builds left removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakewell.cli.common import Debug, Json, Project, note, print_json, table

if TYPE_CHECKING:
    from bakewell.build.clean import Cleaned


def command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and why the rest stays.")] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Finished images to keep a role; the stack's by default.")
    ] = None,
    from_pulumi: Annotated[bool, typer.Option("--from-pulumi", help="Print what Pulumi stores.", hidden=True)] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete images that the policy lets go, and what builds that died left behind."""
    del debug
    from bakewell.build.clean import clean
    from bakewell.build.log import BOUND, Printer
    from bakewell.retention import Policy

    project = Project.here()
    settings, environment = project.settings, project.environment
    cloud = project.cloud()
    policy = Policy(keep or settings.keep, frozenset(settings.pins.values()), settings.project)
    current = {role: found.value for role, found in project.fingerprints(settings.roles).items()}
    say = Printer(bound=BOUND, secrets=os.environ).for_role("retention") if from_pulumi else note
    done = clean(cloud, environment.endpoint, environment.state_dir, policy, current, say, dry_run=dry_run)
    if from_pulumi:
        for decision in done.plan.kept:
            say(f"{decision.image.name} stays: {'; '.join(decision.reasons)}")
        print_json({"deleted": [image.name for image in done.deleted], "kept": len(done.plan.kept) + len(done.spared)})
    elif as_json:
        print_json(_mapping(done, dry_run))
    else:
        _show(done, dry_run)


def _mapping(done: Cleaned, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "reaped": done.reaped,
        "deleted": [{"id": image.id, "name": image.name, "role": image.role} for image in done.deleted],
        "spared": [{"id": image.id, "name": image.name, "role": image.role} for image in done.spared],
        "kept": [
            {"id": d.image.id, "name": d.image.name, "role": d.image.role, "reasons": d.reasons} for d in done.plan.kept
        ],
    }


def _show(done: Cleaned, dry_run: bool) -> None:
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
    note(f"{len(done.deleted)} images ({size:.2f} GB) {verb}; {len(rows) - len(gone)} stay")
