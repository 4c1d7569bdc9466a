"""What the commands that wait for machines share: on whose behalf they run, and how one machine is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from bakewell.errors import BakewellError, ConfigError

if TYPE_CHECKING:
    from bakewell.build.log import Printer
    from bakewell.cli.common import Project
    from bakewell.machine.readiness import Waiting


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a command.

    Attributes:
        project: where it runs.
        machine: what the stack calls the machine or the fleet; empty where people ask, by `where` alone.
        where: an address, or a group's name.
        limit: seconds to wait.
    """

    project: Project
    machine: str
    where: str
    limit: int
    printer: Printer

    @property
    def name(self) -> str:
        return self.machine or self.where

    def waiting(self, name: str, interval: float | None = None) -> Waiting:
        """A wait for what is called `name`, with `interval` seconds between two questions where it is not the usual."""
        from bakewell.machine.readiness import INTERVAL, Waiting

        say = self.printer.for_role(self.name)
        return Waiting(name, self.limit, say, self.printer.mask, interval=interval or INTERVAL)

    def ready(self, address: str, url: str | None, wait: Waiting, *, login: bool = False) -> float | None:
        """Wait until a machine is ready: over SSH where somebody may log in, else until `url` answers, if any."""
        from bakewell.machine.readiness import over_http, over_ssh
        from bakewell.machine.ssh import Ssh

        if login:
            with Ssh(address, self.project.environment.ssh_key) as ssh:
                return over_ssh(ssh, wait)
        if url is not None:
            over_http(url, wait)
        return None

    def health(self, role: str, address: str) -> str | None:
        """Where a machine of the role answers HTTP once it is up; None where that is nowhere."""
        found = self.project.catalog.role(role).boot.health
        return found.url(address) if found is not None else None


@contextmanager
def asked(where: str, timeout: int | None, missing: ConfigError, *, debug: bool) -> Iterator[Asked]:
    """Around the waiting. For Pulumi (BAKEWELL_MACHINE is set), an error is a line of the machine.

    Args:
        where: what was named; where it is empty, `missing` is raised.
        timeout: seconds; the stack's `ready_timeout` where it is None.
    """
    from bakewell.build.log import BOUND, Printer
    from bakewell.cli.common import Project

    machine = os.environ.get("BAKEWELL_MACHINE", "")
    printer = Printer(bound=BOUND, secrets=os.environ)
    try:
        if not where:
            raise missing
        project = Project.here()
        yield Asked(project, machine, where, timeout or project.settings.ready_timeout, printer)
    except BakewellError as error:
        if debug or not machine:
            raise
        printer.for_role(machine)(f"error: {error}")
        raise typer.Exit(error.exit_code) from error
