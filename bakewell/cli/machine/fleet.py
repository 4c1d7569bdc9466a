"""`bakewell fleet`: wait until AWS has replaced the machines of a fleet, and they are ready.

Run by Pulumi (BAKEWELL_MACHINE is set) for one fleet of the stack; by people for any of its groups. One line of JSON on
stdout in either case.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bakewell import extras
from bakewell.cli.common import Debug, print_json
from bakewell.cli.machine.asked import Asked, asked
from bakewell.errors import ConfigError


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
    where = group or os.environ.get("BAKEWELL_GROUP", "")
    missing = ConfigError("no group is named", remedy="bakewell fleet --group NAME")
    with asked(where, timeout, missing, debug=debug) as one:
        machines = _wait(one)
    print_json({"machines": machines})


def _wait(one: Asked) -> list[dict[str, object]]:
    extras.check("aws")
    from bakewell.clouds.aws import groups
    from bakewell.clouds.aws.api import Clients
    from bakewell.machine import fleet
    from bakewell.settings.clouds import ANYWHERE

    settings = one.project.settings
    one.project.environment.check(settings)
    home, clients = settings.home("aws"), Clients()
    found = fleet.settled(
        lambda: groups.look(clients, home, one.where),
        lambda: groups.last_failure(clients, home, one.where),
        one.waiting(one.name, interval=fleet.INTERVAL),
    )
    machines: list[dict[str, object]] = []
    own = settings.aws.fleets.get(found.role)
    for id, address in groups.addresses(clients, home, [member.id for member in found.members]).items():
        url, seconds = None, None
        if own is not None:
            url, wait = one.health(found.role, address), one.waiting(f"{id} of {one.name}")
            # Fleets are often in networks that whoever runs Pulumi is not in: there AWS's word has to do.
            seconds = one.ready(address, url if ANYWHERE in own.open_to else None, wait, login=own.login)
        machines.append({"id": id, "address": address, "url": url, "ready_seconds": seconds})
    return machines
