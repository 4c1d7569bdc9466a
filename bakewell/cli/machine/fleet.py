"""`bakewell fleet`: wait until AWS has replaced the machines of a fleet, and they are ready.

Run by Pulumi (BAKEWELL_MACHINE is set) for one fleet of the stack; by people for any of its groups. One line of JSON on
stdout in either case.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from bakewell.cli.common import Debug, Project, print_json
from bakewell.cli.machine.ready import ask, health
from bakewell.errors import BakewellError, ConfigError

_CLOUD = "aws"


def command(
    group: Annotated[
        str | None, typer.Option(help="Name of the auto scaling group; BAKEWELL_GROUP by default.")
    ] = None,
    timeout: Annotated[
        int | None,
        typer.Option(
            min=1, max=3600, help="Seconds of getting nowhere, and for each machine; the stack's ready_timeout."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Wait until all machines of a fleet are of its present image and ready; which these are."""
    from bakewell.build.log import BOUND, Printer

    name = os.environ.get("BAKEWELL_MACHINE", "")
    where = group or os.environ.get("BAKEWELL_GROUP", "")
    printer = Printer(bound=BOUND, secrets=os.environ)
    say = printer.for_role(name or where)
    try:
        if not where:
            raise ConfigError("no group is named", remedy="bakewell fleet --group NAME")
        machines = _wait(name or where, where, timeout, printer.mask, say)
    except BakewellError as error:
        if debug or not name:
            raise
        say(f"error: {error}")
        raise typer.Exit(error.exit_code) from error
    print_json({"machines": machines})


def _wait(
    name: str, group: str, timeout: int | None, mask: Callable[[str], str], say: Callable[[str], None]
) -> list[dict[str, object]]:
    from bakewell.clouds.aws import groups
    from bakewell.clouds.aws.api import Clients
    from bakewell.machine import fleet
    from bakewell.machine.readiness import Waiting
    from bakewell.settings.clouds import ANYWHERE

    project = Project.here()
    project.environment.check(project.settings)
    home, clients = project.settings.home(_CLOUD), Clients()
    limit = timeout or project.settings.ready_timeout
    found = fleet.settled(
        lambda: groups.look(clients, home, group),
        lambda: groups.last_failure(clients, home, group),
        Waiting(name, limit, say, mask, interval=fleet.INTERVAL),
    )
    machines: list[dict[str, object]] = []
    own = project.settings.aws.fleets.get(found.role)
    for id, address in groups.addresses(clients, home, [one.id for one in found.members]).items():
        url, seconds = None, None
        if own is not None:
            url, wait = health(project, found.role, address), Waiting(f"{id} of {name}", limit, say, mask)
            # Fleets are often in networks that whoever runs Pulumi is not in: there AWS's word has to do.
            seconds = ask(project, address, url if ANYWHERE in own.open_to else None, wait, login=own.login)
        machines.append({"id": id, "address": address, "url": url, "ready_seconds": seconds})
    return machines
