"""Shared files that a project has for itself: which they are, and what the package's were when they were copied.

packer/ejected.lock, written by `bakewell eject`, committed, in no image:

    "provision.py" = "<64 hex>"      # SHA-256 of the package's file when it was copied
    "steps/nginx" = "<64 hex>"       # of a step: over its files, paths and contents
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tomli_w

from bakewell.catalog.imports import PACKAGE
from bakewell.catalog.layers import NOTES, PROJECTS_OWN, Layer, Layers
from bakewell.errors import ConfigError, file_error
from bakewell.reading import looking, read_bytes, read_toml

LOCK = "ejected.lock"
_HEAD = "# What the shared files were that this project has for itself. Written by `bakewell eject`, in no image.\n"
_STEPS_INIT = f"{PACKAGE}/__init__.py"

State = Literal["same", "unrecorded", "current", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Override:
    """A file or step of the project that takes a shared one's place, or took it.

    Attributes:
        name: its path below packer/: "provision.py", "steps/nginx" (a step has one name, as a file or as a folder).
        state: "same": it equals the package's. "current": the package's is what it was when it was copied; "changed":
            it is not. "unrecorded": it was not copied by `bakewell eject`. "gone": the package has it no more.
    """

    name: str
    state: State


def files(layer: Layer, name: str) -> dict[str, bytes]:
    """The content of each file that `name` stands for in a layer, by path below packer/; {} where it has none.

    Raises:
        ConfigError: a file that cannot be read.
    """
    with looking(name, layer.folder / name):
        if name.startswith(f"{PACKAGE}/") and name != _STEPS_INIT:
            place = layer.step(name.removeprefix(f"{PACKAGE}/"))
            found = [] if place is None else [place] if place.is_file() else sorted(place.rglob("*"))
        else:
            found = [layer.folder / name]
        kept = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(layer.folder).as_posix(): read_bytes(path, path.name) for path in kept}


def names(layer: Layer) -> list[str]:
    """Everything in a layer that can be ejected. Raises ConfigError for a folder that cannot be read."""
    with looking("the shared files", layer.folder):
        top = (path for path in layer.folder.iterdir() if path.is_file() and path.name[0] not in "._")
        own = [path.name for path in top if path.name not in NOTES | PROJECTS_OWN]
        return sorted([*own, _STEPS_INIT, *(f"{PACKAGE}/{step}" for step in layer.step_names())])


def overrides(layers: Layers) -> list[Override]:
    """What the project has in the place of shared files, by name.

    Raises:
        ConfigError: ejected.lock, or one of the files, cannot be read.
    """
    if layers.shared is None:
        return []
    recorded, found = recorded_digests(layers.project.folder), []
    for name in sorted({*names(layers.shared), *recorded}):
        own, shared = files(layers.project, name), files(layers.shared, name)
        if own and (shared or name in recorded):
            found.append(Override(name, _state(own, shared, recorded.get(name))))
    return found


def digest(content: Mapping[str, bytes]) -> str:
    """SHA-256 over what `files` gives, 64 hex digits."""
    if len(content) == 1:
        return hashlib.sha256(next(iter(content.values()))).hexdigest()
    hasher = hashlib.sha256()
    for path, text in sorted(content.items()):
        hasher.update(f"{len(path)} {path} {len(text)} ".encode() + text)
    return hasher.hexdigest()


def recorded_digests(packer: Path) -> dict[str, str]:
    """What ejected.lock says: name -> digest. {} where there is no such file.

    Raises:
        ConfigError: it cannot be read, or says anything else.
    """
    path = packer / LOCK
    with looking(LOCK, path):
        if not path.exists():
            return {}
    data = read_toml(path, LOCK)
    for name, value in data.items():
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
            remedy = f"remove that line, then run: bakewell eject --keep {name}"
            raise ConfigError(f"`{name}` should be a SHA-256: 64 hex digits in lower case", file=path, remedy=remedy)
    return data


def record(packer: Path, digests: Mapping[str, str]) -> None:
    """Write ejected.lock, the whole file or none of it; no file where there is nothing to record.

    Raises:
        ConfigError: it cannot be written.
    """
    path = packer / LOCK
    new = path.with_name(f".{LOCK}.{os.getpid()}")
    try:
        if digests:
            new.write_text(_HEAD + tomli_w.dumps(dict(sorted(digests.items()))), encoding="utf-8")
            new.replace(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise file_error(error, f"{LOCK} cannot be written", file=path, remedy="make its folder writable") from error


def _state(own: Mapping[str, bytes], shared: Mapping[str, bytes], recorded: str | None) -> State:
    if not shared:
        return "gone"
    if own == shared:
        return "same"
    if recorded is None:
        return "unrecorded"
    return "current" if digest(shared) == recorded else "changed"
