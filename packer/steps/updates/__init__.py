"""Security updates install themselves on running machines, once a day; a machine never reboots by itself."""

from __future__ import annotations

from io import StringIO

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files, systemd

from steps import packages

DAILY = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
"""
AUTOMATIC = """\
[commands]
upgrade_type = security
"""


@deploy("Security updates")
def daily() -> None:
    """unattended-upgrades, or dnf-automatic, installed and told to run."""
    program = "dnf-automatic" if packages.rpm() else "unattended-upgrades"
    packages.install(f"Install {program}", [program], [program])
    if packages.rpm():
        automatic = "/etc/dnf/automatic.conf"
        files.put(name="Security updates alone", src=StringIO(AUTOMATIC), dest=automatic, mode="644")
        if host.get_fact(packages.Base) == "amzn":
            # Else the repositories stay as they were on the day of the AMI, without any update.
            files.put(name="Follow releases", src=StringIO("latest\n"), dest="/etc/dnf/vars/releasever", mode="644")
        timer = "dnf-automatic-install.timer"
        systemd.service(name="Run it daily", service=timer, running=None, enabled=True)
        return
    files.put(name="Run it daily", src=StringIO(DAILY), dest="/etc/apt/apt.conf.d/20auto-upgrades", mode="644")
