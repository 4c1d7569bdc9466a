"""Pulumi's DigitalOcean provider, with the same token as Bakewell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.settings import Environment
from pulumi_bakewell.stack.refusal import refusals

if TYPE_CHECKING:
    from pulumi_bakewell.stack.session import Session  # not loaded by a program that has no component of ours

_NAMES = {"DIGITALOCEAN_API_TOKEN": "DIGITALOCEAN_ACCESS_TOKEN"}
"""If the first variable is set, the provider reads its value as the second. The state holds names, never values.

The provider itself reads DIGITALOCEAN_TOKEN and then DIGITALOCEAN_ACCESS_TOKEN. With this mapping it reads all three
variables in the order of `Environment`, and the state is the same on every host, whichever variables are set.
"""


def provider(stack: Session, component: pulumi.Resource) -> pulumi.ProviderResource:
    """The provider that a component's resources are made with."""
    return stack.provider("digitalocean", component, lambda: make_provider("digitalocean", stack.environment))


def make_provider(name: str, environment: Environment) -> digitalocean.Provider:
    """A provider of this name. Its token comes from the environment, always."""
    return digitalocean.Provider(
        name, api_endpoint=environment.endpoint, opts=pulumi.ResourceOptions(env_var_mappings=_NAMES)
    )


def digitalocean_provider(name: str) -> digitalocean.Provider:
    """Pulumi's DigitalOcean provider for a program's own droplets, with the same token as Bakewell."""
    with refusals():
        environment = Environment.read(os.environ)
        environment.require_token()
    return make_provider(name, environment)
