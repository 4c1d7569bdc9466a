"""The stack's config as Pulumi hands it to the program, defaults of Pulumi.yaml included."""

from __future__ import annotations

import pulumi

from bakewell.settings import Settings


def stack_settings() -> Settings:
    """The stack's settings.

    Raises:
        ConfigError: unknown key, wrong type, or value out of range.
    """
    return Settings.from_mapping(pulumi.runtime.get_config_env(), stack_file())


def stack_file() -> str:
    """The file that the stack's config is in, for messages."""
    return f"Pulumi.{pulumi.get_stack()}.yaml"
