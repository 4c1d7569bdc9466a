"""consul-template: renders files from Consul's keys and services, and runs a command when one has changed.

Templates are in the image; which of them are rendered, and where to, user_data writes to config.d/watches.json. Where
it does not, the service is not started, and what the image has in their places stays.
"""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from pydantic import validate_call
from pyinfra.api import deploy
from pyinfra.operations import files, systemd

from steps import release

FILES = Path(__file__).parent / "files"
FOLDER = "/etc/consul-template"
TEMPLATES = f"{FOLDER}/templates"
ENVIRONMENT = "/etc/bakewell/environment"
"""Where a role's environment is written, for the `EnvironmentFile` of its units."""

BASE = {
    "consul": {
        "address": "127.0.0.1:8500",
        # Without end: the agent may start later, and a cluster may be away for a while.
        "retry": {"enabled": True, "attempts": 0, "backoff": "250ms", "max_backoff": "2s"},
    },
    # Changes that come together are rendered together, but none waits for more than a second.
    "wait": {"min": "100ms", "max": "1s"},
}


@deploy("consul-template")
@validate_call
def install(download: release.Download) -> None:
    """Installed, configured and enabled; not started, for a builder is in no cluster.

    Args:
        download: as in downloads.json: version and files.
    """
    release.install(name=f"Install consul-template {download['version']}", release="consul-template", download=download)
    for folder in (FOLDER, f"{FOLDER}/config.d", TEMPLATES):
        files.directory(name=f"Create {folder}", path=folder, mode="755")
    files.put(
        name="Say where Consul is",
        src=StringIO(json.dumps(BASE, indent=2) + "\n"),
        dest=f"{FOLDER}/config.d/base.json",
        mode="644",
    )
    # Empty, so that services are not restarted at boot only because there was no file.
    files.put(name="Have an environment", src=StringIO(""), dest=ENVIRONMENT, mode="600")
    unit = files.put(
        name="Put its unit",
        src=str(FILES / "consul-template.service"),
        dest="/etc/systemd/system/consul-template.service",
        mode="644",
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    systemd.service(name="Start it at boot", service="consul-template.service", running=None, enabled=True)
