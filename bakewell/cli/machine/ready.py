"""`bakewell ready`: wait until a machine is ready.

Run by Pulumi (BAKEWELL_MACHINE is set) for one machine of the stack; by people for any address. A machine that nobody
may log in to is asked at its URL (BAKEWELL_URL). One line of JSON on stdout in either case.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bakewell.cli.common import Debug, print_json
from bakewell.cli.machine.asked import Asked, asked
from bakewell.errors import ConfigError


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
    where = address or os.environ.get("BAKEWELL_ADDRESS", "")
    missing = ConfigError("no machine is named", remedy="bakewell ready --address IP")
    with asked(where, timeout, missing, debug=debug) as one:
        seconds = _wait(one)
    print_json({"ready_seconds": seconds})


def _wait(one: Asked) -> float | None:
    from bakewell.machine.address import checked_address, checked_url

    checked_address(one.where)
    url, wait = os.environ.get("BAKEWELL_URL"), one.waiting(one.name)
    if one.machine and url:
        return one.ready(one.where, checked_url(url), wait)
    return one.ready(one.where, None, wait, login=True)
