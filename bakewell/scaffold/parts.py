"""What a file that is there already lacks: single lines or tables, where the rest of the file is the user's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bakewell.errors import ConfigError
from bakewell.reading import from_yaml

_KEY = re.compile(r"^  (bakewell:[\w-]+):")


def missing(path: str, there: str, wanted: str) -> list[str] | None:
    """The lines of `wanted` that have to be added to the file.

    None where the two can only be compared line by line. Lines of the user's own are never part of it, and neither is
    the stack's `encryptionsalt`: with another one, Pulumi could no longer read the stack's secrets.
    """
    parts = _PARTS.get(path)
    return None if parts is None else parts(there, wanted)


def _lines(there: str, wanted: str) -> list[str]:
    known = set(there.splitlines())
    return [line for line in wanted.splitlines() if line not in known]


def _bases(there: str, wanted: str) -> list[str]:
    """Tables for clouds that no base of the file is locked for."""
    locked, lines = _toml(there), []
    for table in wanted.split("\n\n")[1:]:  # after the comment
        cloud = table[: table.index("]")].rpartition(".")[2]
        if not any(isinstance(clouds, dict) and cloud in clouds for clouds in locked.values()):
            lines += table.splitlines()
    return lines


def _stack(there: str, wanted: str) -> list[str]:
    """Keys of config that the file has not, and `bakewell:clouds` where it lacks one."""
    own, new = _config(there), _config(wanted)
    lines: list[str] = []
    adding = False
    for line in wanted.splitlines():
        if key := _KEY.match(line):
            adding = key[1] not in own or (key[1] == "bakewell:clouds" and not _covers(own[key[1]], new[key[1]]))
        if adding:
            lines.append(line)
    return lines


def _covers(own: Any, new: Any) -> bool:
    return isinstance(own, list) and set(new) <= {str(cloud) for cloud in own}


def _packages(there: str, wanted: str) -> list[str]:
    """The requirements, under the names of their tables."""
    own, new = _toml(there).get("project"), _toml(wanted)["project"]
    own = own if isinstance(own, dict) else {}
    lines = []
    if not set(new["dependencies"]) <= set(own.get("dependencies") or ()):
        lines += ["[project]", f'dependencies = ["{new["dependencies"][0]}"]']
    extras = own.get("optional-dependencies")
    local = new["optional-dependencies"]["local"]
    if not isinstance(extras, dict) or not set(local) <= {each for extra in extras.values() for each in extra}:
        lines += ["[project.optional-dependencies]", f'local = ["{local[0]}"]']
    return lines


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _config(text: str) -> Mapping[str, Any]:
    try:
        document = from_yaml(text, Path("Pulumi.dev.yaml"), "stack config")
    except ConfigError:
        return {}
    config = document.get("config") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else {}


_PARTS: Mapping[str, Callable[[str, str], list[str]]] = {
    ".gitattributes": _lines,
    ".gitignore": _lines,
    "packer/bases.lock": _bases,
    "Pulumi.dev.yaml": _stack,
    "pyproject.toml": _packages,
}
