"""The extras of the package: dependencies that only stacks on one cloud need."""

from __future__ import annotations

from importlib.util import find_spec

from bakewell.errors import ConfigError

MODULES = {
    "aws": ("boto3", "pulumi_aws"),
    "digitalocean": ("pulumi_digitalocean",),
    "docker": ("docker", "requests"),
}
"""Cloud, also the name of its extra -> the modules that the extra installs."""


def check(cloud: str) -> None:
    """Raise ConfigError if the extra of a cloud is not installed. Imports nothing."""
    missing = [module for module in MODULES.get(cloud, ()) if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"what {cloud} needs is not installed: {' and '.join(missing)}",
            remedy=f"run: pip install 'bakewell[{cloud}]'",
        )
