"""doctl, DigitalOcean's command line, and the folder it keeps its configuration in.

No token: an operator brings one (`doctl auth init`, or DIGITALOCEAN_ACCESS_TOKEN for one command).
"""

from __future__ import annotations

from pydantic import validate_call
from pyinfra.api import deploy
from pyinfra.operations import files

from steps import release

CONFIG = "/root/.config/doctl"


@deploy("doctl")
@validate_call
def install(download: release.Download) -> None:
    """The release in /usr/local/bin, and CONFIG for root alone."""
    release.install(name=f"Install doctl {download['version']}", release="doctl", download=download)
    for folder in ("/root/.config", CONFIG):
        files.directory(name=f"Create {folder}", path=folder, user="root", group="root", mode="700")
