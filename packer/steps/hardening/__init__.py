"""Hardening basics: SSH by key only, and kernel settings that no server of ours needs otherwise.

The SSH settings hold from the next start of sshd, the kernel's from the next boot: on every machine made from the
image, not in the build itself. No firewall: the cloud's does that.
"""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy
from pyinfra.operations import files

FILES = Path(__file__).parent / "files"


@deploy("Hardening")
def harden() -> None:
    """The settings in files/, in their places."""
    # sshd takes the first value it reads. cloud-init writes its own into 50-cloud-init.conf, so ours comes before.
    sshd = "/etc/ssh/sshd_config.d/00-hardening.conf"
    files.put(name="SSH by key only", src=str(FILES / "sshd.conf"), dest=sshd, mode="644")
    sysctl = "/etc/sysctl.d/90-hardening.conf"
    files.put(name="Kernel settings", src=str(FILES / "sysctl.conf"), dest=sysctl, mode="644")
