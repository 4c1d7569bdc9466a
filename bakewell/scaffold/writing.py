"""Writes new files beside those that are there: all of them or none, and nothing that is there is changed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import ConfigError, file_error
from bakewell.reading import looking, read_bytes

_LARGEST = 50_000_000
"""Bytes of a file that is compared."""


@dataclass(frozen=True)
class Written:
    """What became of the files, by their paths below the folder.

    Attributes:
        made: those that are new.
        same: those that were there with that content.
        differing: those that were there with other content and were left → the difference, as a unified diff from
            what is there to what would have been written.
    """

    made: tuple[str, ...]
    same: tuple[str, ...]
    differing: Mapping[str, str]


def write(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    whole: bool = False,
    dry_run: bool = False,
    by: str = "bakewell init",
) -> Written:
    """Write those of `files` that are not there.

    Args:
        folder: made where it is missing.
        files: path below the folder → content.
        whole: write nothing where a file is there with other content.
        dry_run: write nothing, and tell what would be.
        by: the command that writes, for differences.

    Raises:
        ConfigError: something is in the way (a file where a folder must be, a folder where a file must), or the folder
            cannot be written; nothing has been written then.
    """
    same, differing = [], {}
    new: dict[str, bytes] = {}
    for path, wanted in files.items():
        content = wanted.encode() if isinstance(wanted, str) else wanted
        there = _read(folder / path)
        if there is None:
            new[path] = content
        elif there == content or (path == ".gitignore" and set(content.splitlines()) <= set(there.splitlines())):
            same.append(path)
        else:
            differing[path] = _difference(path, there, content, by)
    if dry_run or (whole and differing):
        return Written(tuple(new) if dry_run else (), tuple(same), differing)
    made: list[Path] = []
    try:
        for path, content in new.items():
            target = folder / path
            made += _make_folders(target.parent)
            with target.open("xb") as file:
                made.append(target)
                file.write(content)
    except BaseException as error:
        for path_made in reversed(made):
            with suppress(OSError):
                path_made.rmdir() if path_made.is_dir() else path_made.unlink()
        if isinstance(error, OSError):
            remedy = "choose a folder that this user can write to; nothing was written"
            what = "the project cannot be written"
            raise file_error(error, what, file=error.filename or folder, remedy=remedy) from error
        raise
    return Written(tuple(new), tuple(same), differing)


def _make_folders(folder: Path) -> Iterator[Path]:
    """Make a folder and those above it that are missing; gives each as it is made."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        yield each


def _read(path: Path) -> bytes | None:
    """What is there; None where nothing is. Raises ConfigError where something is in the way, or cannot be read."""
    remedy = "move it out of the way, or choose another folder; nothing was written"
    with looking("the folder", path):
        above = next(folder for folder in path.parents if os.path.lexists(folder))
        if not above.is_dir():
            raise ConfigError("this is in the way: it is no folder", file=above, remedy=remedy)
        if not os.path.lexists(path):
            return None
        if not path.is_file():
            raise ConfigError("this is in the way: it is no file", file=path, remedy=remedy)
    return read_bytes(path, path.name, limit=_LARGEST)


def _difference(path: str, there: bytes, wanted: bytes, by: str) -> str:
    try:
        before, after = there.decode().splitlines(), wanted.decode().splitlines()
    except UnicodeDecodeError:
        return f"{path}: what is there is not what would be written, and one of them is no text"
    lines = difflib.unified_diff(before, after, f"{path} (there)", f"{path} ({by})", lineterm="")
    return "\n".join(lines)
