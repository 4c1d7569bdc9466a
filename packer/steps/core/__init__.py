"""The tools that every machine has: to fetch, to look, to copy. And Python, in which small services are written."""

from __future__ import annotations

from pyinfra.api import deploy

from steps import apt

PACKAGES = ("ca-certificates", "curl", "iproute2", "jq", "less", "lsof", "procps", "python3", "rsync")


@deploy("Core tools")
def tools() -> None:
    """All of PACKAGES installed."""
    apt.install(name="Install the core tools", wanted=PACKAGES)
