"""The tools that every machine has: to fetch, to look, to copy. And Python, in which small services are written."""

from __future__ import annotations

from pyinfra.api import deploy

from steps import packages

PACKAGES = ("ca-certificates", "curl", "iproute2", "jq", "less", "lsof", "procps", "python3", "rsync")
OF_DNF = ("ca-certificates", "/usr/bin/curl", "iproute", "jq", "less", "lsof", "procps-ng", "python3", "rsync")
"""The same. Amazon's and Rocky's images have curl-minimal, which cannot be beside curl."""


@deploy("Core tools")
def tools() -> None:
    """All of PACKAGES installed."""
    packages.install("Install the core tools", PACKAGES, OF_DNF)
