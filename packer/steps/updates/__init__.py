"""Security updates install themselves on running machines, once a day; a machine never reboots by itself."""

from __future__ import annotations

from io import StringIO

from pyinfra.api import deploy
from pyinfra.operations import files

from steps import apt

DAILY = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
"""


@deploy("Security updates")
def daily() -> None:
    """unattended-upgrades installed, and told to run."""
    apt.install(name="Install unattended-upgrades", wanted=["unattended-upgrades"])
    files.put(name="Run it daily", src=StringIO(DAILY), dest="/etc/apt/apt.conf.d/20auto-upgrades", mode="644")
