"""Where Pulumi keeps the config of a project's stacks."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from bakewell.errors import ConfigError
from bakewell.reading import looking, read_text

PROJECT = "Pulumi.yaml"


def stack_file(root: Path, stack: str) -> Path:
    """The file of a stack's config: beside `root`/Pulumi.yaml, or in the folder that `stackConfigDir` there names.

    `config: FOLDER` means the same, as in projects of old. A folder is taken as Pulumi takes it: below the project's,
    even where it begins with a slash; `..` leads out of it.

    Raises:
        ConfigError: Pulumi.yaml cannot be read.
    """
    return Path(os.path.normpath(root / _folder(root / PROJECT).lstrip("/") / f"Pulumi.{stack}.yaml"))


def _folder(project: Path) -> str:
    with looking("the project's file", project):
        if not project.exists():
            return ""  # whoever runs where no project is has named the folder of the stacks
    try:
        document = yaml.safe_load(read_text(project, "the project's file"))
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"it is not YAML: {problem}", file=project, remedy="correct the syntax") from None
    if not isinstance(document, dict):
        raise ConfigError("it is no mapping", file=project, remedy="write `name:` and `runtime:` there")
    named = document.get("stackConfigDir") or document.get("config") or ""
    if isinstance(named, dict):
        return ""  # declarations of config
    if not isinstance(named, str):
        raise ConfigError("`stackConfigDir` is no text", file=project, remedy="name a folder of the project there")
    return named
