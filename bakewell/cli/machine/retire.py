"""`bakewell retire`: have a machine leave its Consul cluster before it is deleted.

Pulumi runs this as the last thing before it deletes a machine, with what was known when that was made; so it reads
neither the stack's settings nor the catalog. And it never fails: the machine has to go in any case, and a deletion that
failed would be tried again with the same command by every `up` to come.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bakewell.cli.common import Debug


def command(
    address: Annotated[
        str | None, typer.Option(help="IPv4 address of the machine; BAKEWELL_ADDRESS by default.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Have a machine leave the Consul cluster; says so where it can't, and succeeds in any case."""
    from bakewell.build.log import BOUND, Printer
    from bakewell.machine.address import checked_address
    from bakewell.machine.readiness import retire
    from bakewell.machine.ssh import Ssh
    from bakewell.settings import Environment

    where = address or os.environ.get("BAKEWELL_ADDRESS", "")
    say = Printer(bound=BOUND, secrets=os.environ).for_role(os.environ.get("BAKEWELL_MACHINE") or where)
    try:
        with Ssh(checked_address(where), Environment.read(os.environ).ssh_key, patience=5.0) as ssh:
            retire(ssh, say)
    except Exception as error:  # whatever it is: see above
        if debug:
            raise
        say(f"did not leave the Consul cluster: {error}")
