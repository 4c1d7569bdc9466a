"""The Python packages that provision and test machines: which versions an image requires, and which are installed.

They are stated in packer/requirements.txt, which every context holds and every fingerprint covers. A build with other
versions than stated would make another image under the same fingerprint, so it is refused.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bakewell.catalog.galaxy import check_galaxy
from bakewell.context import Context
from bakewell.errors import ConfigError
from bakewell.reading import read_text

FILE = "requirements.txt"
NEEDED = ("pyinfra", "pytest-testinfra")
_LINE = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*) *== *(?P<version>[0-9][0-9A-Za-z.+!-]*)$")


def packages(context: Context) -> dict[str, str]:
    """Name -> exact version of each package that the context requires.

    Raises:
        ConfigError: no such file, a line that is not `name==version`, or none for PyInfra or testinfra.
    """
    path = next((file.source for file in context.files if file.path == FILE), None)
    example = "\n".join(f"    {name}=={_installed(name) or 'X.Y.Z'}" for name in NEEDED)
    if path is None:
        raise ConfigError(
            f"image {context.role}: no file says which versions of {' and '.join(NEEDED)} it wants",
            remedy=f"add a file {FILE} to packer/ with:\n{example}",
        )
    found = _stated(path)
    if missing := [name for name in NEEDED if name not in found]:
        raise ConfigError(f"no version of {' and '.join(missing)} is stated", file=path, remedy=f"add:\n{example}")
    for file in _of_steps(context):
        found |= _stated(file)
    return found


def _of_steps(context: Context) -> list[Path]:
    """The files that state what a step requires besides."""
    return [file.source for file in context.files if file.source and fnmatch(file.path, f"steps/*/{FILE}")]


def _stated(path: Path) -> dict[str, str]:
    """Name -> version. Raises ConfigError for a line that is not `name==version`."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(path, FILE).splitlines(), 1):
        text = line.partition("#")[0].strip()
        match = _LINE.match(text)
        if match:
            found[match["name"].lower()] = match["version"]
        elif text:
            raise ConfigError(
                f"`{text}` does not name one version of a package",
                file=f"{path}:{number}",
                remedy="write NAME==VERSION: the version is part of the fingerprint",
            )
    return found


def check_packages(context: Context) -> dict[str, str]:
    """`packages`. Raises ConfigError where other versions are installed beside Bakewell, or none; and where a playbook
    would install collections of which no exact version is stated.
    """
    wanted = packages(context)
    for name, stated in wanted.items():
        installed = _installed(name)
        if installed != stated:
            files = [file.source for file in context.files if file.source and file.path == FILE] + _of_steps(context)
            raise ConfigError(
                f"{name} is {installed or 'not installed'}, but image {context.role} requires {stated}",
                file=next(file for file in files if name in _stated(file)),
                remedy=f"pip install {name}=={stated}; or state the version meant there, which rebuilds every image",
            )
    check_galaxy(context)
    return wanted


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
