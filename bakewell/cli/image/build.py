"""`bakewell build`: have images, building those whose content is new.

Run by Pulumi (BAKEWELL_FINGERPRINT is set) it has one image, prints one line of JSON on stdout, and stderr is bounded.
Run by people it has any number of images and what they are built on, as many at once as there are slots.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bakewell.cli.common import CloudName, Debug, Json, Project, print_json
from bakewell.errors import BakewellError, ConfigError, Interrupted


def command(
    roles: Annotated[
        list[str] | None,
        typer.Argument(help="Images, or `all` there are; by default the stack's.", metavar="[ROLE…|all]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Build the named images even where they exist.")] = False,
    parallel: Annotated[int | None, typer.Option(min=1, max=64, help="How many builds at once on this host.")] = None,
    cloud: CloudName = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Build images whose content changed, together with what they are built on; adopt the others."""
    if os.environ.get("BAKEWELL_FINGERPRINT"):
        raise typer.Exit(_for_pulumi(roles or [], cloud, force=force, parallel=parallel, debug=debug))
    from bakewell.cli.image.many import build_many

    raise typer.Exit(
        build_many(Project.here(), roles or [], cloud, force=force, parallel=parallel, as_json=as_json, debug=debug)
    )


def _for_pulumi(roles: list[str], cloud: str | None, *, force: bool, parallel: int | None, debug: bool) -> int:
    """One image; the exit code. Errors are lines of the image too."""
    from bakewell.build.build import build
    from bakewell.build.log import BOUND, Printer
    from bakewell.build.stop import Stop

    if len(roles) != 1 or roles == ["all"]:
        raise ConfigError("with BAKEWELL_FINGERPRINT, exactly one role is built", remedy="unset BAKEWELL_FINGERPRINT")
    role = roles[0]
    say = Printer(bound=BOUND, secrets=os.environ).for_role(role)
    try:
        project = Project.here()
        name = project.clouds(cloud)[0]
        job = project.job(name, role, project.demanded(name, role), force=force, parallel=parallel)
        with Stop().on_signals() as stop:
            result = build(job, stop, say)
    except BakewellError as error:
        if debug:
            raise
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("error: interrupted a second time; the next command removes what is left")
        return Interrupted.exit_code
    sys.stderr.flush()
    print_json(result.mapping())
    return 0
