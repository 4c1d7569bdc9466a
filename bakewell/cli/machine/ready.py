"""`bakewell ready`: wait until a machine is ready.

Run by Pulumi (BAKEWELL_MACHINE is set) for one machine of the stack; by people for any address. One line of JSON on
stdout in either case.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bakewell.cli.common import Debug, Project, print_json
from bakewell.errors import BakewellError, ConfigError

if TYPE_CHECKING:
    from bakewell.machine.readiness import Waiting


def command(
    address: Annotated[
        str | None, typer.Option(help="IPv4 address of the machine; BAKEWELL_ADDRESS by default.")
    ] = None,
    timeout: Annotated[
        int | None, typer.Option(min=1, max=3600, help="Seconds to wait; the stack's ready_timeout by default.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Wait until a machine does what its role is for; how long after its boot that was."""
    from bakewell.build.log import BOUND, Printer

    machine = os.environ.get("BAKEWELL_MACHINE", "")
    where = address or os.environ.get("BAKEWELL_ADDRESS", "")
    printer = Printer(bound=BOUND, secrets=os.environ)
    say = printer.for_role(machine or where)
    try:
        if not where:
            raise ConfigError("no machine is named", remedy="bakewell ready --address IP")
        seconds = _wait(machine, where, timeout, printer.mask, say)
    except BakewellError as error:
        if debug or not machine:
            raise
        say(f"error: {error}")
        raise typer.Exit(error.exit_code) from error
    print_json({"ready_seconds": seconds})


def _wait(
    machine: str, address: str, timeout: int | None, mask: Callable[[str], str], say: Callable[[str], None]
) -> float | None:
    from bakewell.machine.readiness import Waiting

    project = Project.here()
    url, known = os.environ.get("BAKEWELL_URL"), project.settings.machine(machine)
    wait = Waiting(machine or address, timeout or project.settings.ready_timeout, say, mask)
    if machine and url:
        return ask(project, address, url, wait)
    if known is not None and not known.open:
        return ask(project, address, health(project, known.role, address), wait)
    return ask(project, address, None, wait, login=True)


def health(project: Project, role: str, address: str) -> str | None:
    """Where a machine of the role answers HTTP once it is up; None where that is nowhere."""
    found = project.catalog[role].boot.health
    return f"http://{address}:{found.port}{found.path}" if found is not None else None


def ask(project: Project, address: str, url: str | None, wait: Waiting, *, login: bool = False) -> float | None:
    """Wait until the machine is ready: over SSH where somebody may log in, else until `url` answers, if any."""
    from bakewell.machine.readiness import over_http, over_ssh
    from bakewell.machine.ssh import Ssh

    if login:
        with Ssh(address, project.environment.ssh_key) as ssh:
            return over_ssh(ssh, wait)
    if url is not None:
        over_http(url, wait)
    return None
