"""Whether what the local cloud is made of is installed. Imports the standard library alone, so that it can say no."""

from __future__ import annotations

import re
from importlib import metadata

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LOCAL = re.compile(r"""extra\s*==\s*["']local["']""")
REMEDY = "run: pip install 'bakewell[local]'"


def missing() -> list[str]:
    """The packages of the extra `local` that are not installed, by the names that the package index has them by."""
    try:
        requirements = metadata.requires("bakewell") or []
    except metadata.PackageNotFoundError:
        return []  # a clone on PYTHONPATH: what is missing shows when it is imported
    names = [name[0] for line in requirements if _LOCAL.search(line) and (name := _NAME.match(line))]
    return [name for name in names if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
