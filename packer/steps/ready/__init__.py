"""A unit that says when a machine of the image does what its role is for: bakewell-ready.service.

What it checks and what it writes is said in files/ready.py. A role's further conditions are executables in READY_D,
put there by whoever knows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra.api import deploy
from pyinfra.operations import files, systemd

FILES = Path(__file__).parent / "files"
READY_D = "/etc/bakewell/ready.d"


@deploy("Readiness")
def when(boot: Mapping[str, Any], consul: Mapping[str, Any]) -> None:
    """From the next boot on, the machine is ready when what `boot` names runs and answers.

    Args:
        boot: `services` (units) and `health` (port, path), as in image.toml; each may be missing.
        consul: `mode` and `service`, as in image.toml: where the machine has a cluster, that service must be passing,
            or the server be one that votes. {} for an image without Consul.
    """
    wanted = {
        "units": boot.get("services", []),
        "health": boot.get("health"),
        "consul": {"server": consul.get("mode") == "server", "service": consul["service"]} if consul else None,
    }
    files.directory(name="A place for a role's own conditions", path=READY_D, mode="755")
    files.put(
        name="Say what is waited for",
        src=StringIO(json.dumps(wanted, indent=2) + "\n"),
        dest="/etc/bakewell/ready.json",
        mode="644",
    )
    files.directory(name="A place for the program", path="/usr/local/lib/bakewell", mode="755")
    program = "/usr/local/lib/bakewell/ready.py"
    files.put(name="Put the program", src=str(FILES / "ready.py"), dest=program, mode="644")
    unit = files.put(
        name="Put its unit",
        src=str(FILES / "bakewell-ready.service"),
        dest="/etc/systemd/system/bakewell-ready.service",
        mode="644",
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    systemd.service(name="Start it at boot", service="bakewell-ready.service", running=None, enabled=True)
