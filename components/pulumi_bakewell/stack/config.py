"""The stack's config as Pulumi hands it to a program or a plugin, defaults of Pulumi.yaml included."""

from __future__ import annotations

import os
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG

from bakewell.settings import Settings, check_agreement, load_settings
from bakewell.settings import stack_file as settings_file
from pulumi_bakewell.stack.refusal import in_program


def stack_settings(root: Path) -> Settings:
    """The stack's settings.

    Pulumi may have merged other sources into them: values in Pulumi.yaml, another file (`--config-file`), an
    environment of Pulumi Cloud. The commands that it runs read the stack's file and nothing else.

    Raises:
        ConfigError: unknown key, wrong type, value out of range, or that file says something else.
    """
    file = stack_file(root)
    # A program has its config in a variable, a plugin in each request: its variable has only what is under its name.
    given = pulumi.runtime.get_config_env() if in_program() else CONFIG.get()
    settings = Settings.from_mapping(given, file, project=pulumi.get_project())
    written = load_settings(pulumi.get_stack(), root)
    check_agreement(settings, written, file)
    return settings


def stack_file(root: Path) -> str:
    """The file that the stack's config is in, for messages: from the project's folder."""
    return os.path.relpath(settings_file(root, pulumi.get_stack()), root)
