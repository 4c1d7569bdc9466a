"""The extras of the package: what only stacks on one cloud need is installed only where somebody asks for it."""

from __future__ import annotations

from importlib.util import find_spec

from bakewell.errors import ConfigError

MODULES = {
    "aws": ("boto3", "pulumi_aws"),
    "digitalocean": ("pulumi_digitalocean",),
    "docker": ("docker", "requests"),
}
"""By cloud, which is the extra's name too: what its extra installs, as it is imported."""


def check(cloud: str) -> None:
    """Raise ConfigError where the extra of a cloud is not installed; nothing is imported."""
    missing = [module for module in MODULES.get(cloud, ()) if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"what {cloud} needs is not installed: {' and '.join(missing)}",
            remedy=f"run: pip install 'bakewell[{cloud}]'",
        )
