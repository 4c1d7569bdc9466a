"""Finds the project: the folder that has Pulumi.yaml and packer/."""

from __future__ import annotations

from pathlib import Path

from bakewell.errors import ConfigError, file_error
from bakewell.reading import looking


def working_directory() -> Path:
    """The working directory. Raises ConfigError if it was deleted."""
    try:
        return Path.cwd()
    except OSError as error:
        remedy = "change into the project's folder"
        raise file_error(error, "the working directory is gone", file=None, remedy=remedy) from error


def root() -> Path:
    """The project of the working directory: the nearest folder upwards that has a Pulumi.yaml and a packer/.

    Raises:
        ConfigError: there is no such folder.
    """
    start = working_directory()
    with looking("the project", start):
        for folder in (start, *start.parents):
            if (folder / "Pulumi.yaml").is_file() and (folder / "packer").is_dir():
                return folder
    raise ConfigError(
        "this is not a Bakewell project: no Pulumi.yaml with a packer/ beside it, here or above",
        file=start,
        remedy="change into the project's folder; bakewell init makes a project",
    )
