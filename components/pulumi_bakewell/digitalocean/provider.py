"""Pulumi's provider of DigitalOcean, with the token that Bakewell takes."""

from __future__ import annotations

import os

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.settings import Environment
from pulumi_bakewell.stack.refusal import refusals

_NAMES = {"DIGITALOCEAN_API_TOKEN": "DIGITALOCEAN_ACCESS_TOKEN"}
"""Where the first is set, the provider finds its value under the second: names are kept in the state, values are not.

The provider itself looks for DIGITALOCEAN_TOKEN and then DIGITALOCEAN_ACCESS_TOKEN. So it takes the three in the order
of `Environment`, whatever a host has set, and the state is the same on every host.
"""


def provider(name: str, environment: Environment) -> digitalocean.Provider:
    """The provider that a stack's resources are made with. Its token comes from the environment, always."""
    return digitalocean.Provider(
        name, api_endpoint=environment.endpoint, opts=pulumi.ResourceOptions(env_var_mappings=_NAMES)
    )


def digitalocean_provider(name: str) -> digitalocean.Provider:
    """Pulumi's provider of DigitalOcean for a program's own droplets, with the token that Bakewell takes."""
    with refusals():
        environment = Environment.read(os.environ)
        environment.require_token()
    return provider(name, environment)
