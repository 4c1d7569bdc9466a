"""requirements.yml beside a playbook: which Ansible collections and roles a build installs, in exact versions alone.

The file is part of the fingerprint. A range in it would let the same fingerprint mean two images, so it is refused, as
is a dependency's: collections are installed without dependencies, and each is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bakewell.context import Context
from bakewell.errors import ConfigError
from bakewell.reading import read_yaml

FILE = "requirements.yml"
STEP = "steps/ansible/"
_EXACT = re.compile(r"v?\d+(\.\d+)+([-+.][0-9A-Za-z.+-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_KINDS = ("collections", "roles")


def check_galaxy(context: Context) -> None:
    """Refuse what would be installed in a version that nobody has stated.

    Raises:
        ConfigError: an entry without an exact version; from git, without a commit; a file of another folder.
    """
    if not any(file.path.startswith(STEP) for file in context.files):
        return
    for file in context.files:
        path = PurePosixPath(file.path)
        vendored = {"roles", "collections"} & set(path.parts)
        if path.name != FILE or path.parts[0] == "steps" or vendored or file.source is None:
            continue
        for entry in _entries(file.source):
            _check(entry, file.source)


def _entries(path: Path) -> Iterator[Any]:
    read = read_yaml(path, FILE) or {}
    tables = read if isinstance(read, Mapping) else {"roles": read}
    if unknown := sorted(set(tables) - set(_KINDS)):
        raise ConfigError(f"{FILE} has the unknown key `{unknown[0]}`", file=path, remedy="use collections and roles")
    for entries in tables.values():
        if not isinstance(entries, list | None):
            raise ConfigError(f"{FILE} has no list of what to install", file=path, remedy="list names and versions")
        yield from entries or []


def _check(entry: Any, path: Path) -> None:
    found: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"name": entry}
    name = str(found.get("src") or found.get("source") or found.get("name") or "")
    name, version = str(found.get("name") or name), str(found.get("version") or "")
    source = str(found.get("src") or found.get("name") or "")
    kind = str(found.get("type") or found.get("scm") or "")
    if kind in ("dir", "file", "subdirs"):
        where = (path.parent / str(found.get("source") or source)).resolve()
        if where.is_relative_to(path.parent.resolve()):
            return
        raise ConfigError(
            f"{FILE} takes {name} from a place outside of its own folder",
            file=path,
            remedy=f"copy it to {path.parent.name}/: only what lies there is part of the fingerprint",
        )
    if kind == "git" or source.startswith(("git+", "git@")) or source.endswith(".git") or "://" in source:
        if kind != "url" and _COMMIT.fullmatch(version):
            return
        raise ConfigError(
            f"{FILE} names no commit of {name}",
            file=path,
            remedy="state `type: git` (of a role `scm: git`) and a commit's 40 digits as `version`: tags move",
        )
    if not _EXACT.fullmatch(version):
        raise ConfigError(
            f"{FILE} states {f'`{version}`' if version else 'no version'} for {name}, which is no exact version",
            file=path,
            remedy='state one, such as `version: "8.1.0"`: it is part of the fingerprint',
        )
