"""Writes new files beside those that are there: all of them or none, and nothing that is there is changed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import ConfigError, file_error
from bakewell.reading import looking, read_bytes
from bakewell.scaffold.parts import missing

_LARGEST = 50_000_000
"""Bytes of a file that is compared."""


@dataclass(frozen=True)
class Written:
    """What became of the files, by their paths below the folder.

    Attributes:
        made: those that are new.
        same: those that were there and have all that is needed.
        differing: those that were there and were left → the difference: the lines to add, where that can be said
            (`parts.missing`), else a unified diff from what is there to what would have been written.
    """

    made: tuple[str, ...]
    same: tuple[str, ...]
    differing: Mapping[str, str]


def write(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    what: str,
    remedy: str,
    by: str = "bakewell init",
    whole: bool = False,
    dry_run: bool = False,
) -> Written:
    """Write those of `files` that are not there.

    Args:
        folder: made where it is missing.
        files: path below the folder → content.
        what: what has failed where the folder cannot be written.
        remedy: for that.
        by: the command that writes, for differences.
        whole: write nothing where a file is there with other content.
        dry_run: write nothing, and tell what would be.

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
        elif there == content or (told := _missing(path, there, content, by)) is None:
            same.append(path)
        else:
            differing[path] = told
    if dry_run or (whole and differing):
        return Written(tuple(new) if dry_run else (), tuple(same), differing)
    with creating(folder, new, what=what, remedy=remedy):
        return Written(tuple(new), tuple(same), differing)


@contextmanager
def creating(folder: Path, files: Mapping[str, bytes], *, what: str, remedy: str) -> Iterator[None]:
    """Create files, none of which is there, all or none: where one cannot be written, or what follows inside fails,
    those that were written are removed again, with the folders that were made for them.

    Raises:
        ConfigError: `what`, with the system's words and `remedy`.
    """
    made: list[Path] = []
    try:
        try:
            for path, content in files.items():
                target = folder / path
                for each in _missing_folders(target.parent):
                    each.mkdir()
                    made.append(each)
                with target.open("xb") as file:
                    made.append(target)
                    file.write(content)
        except OSError as error:
            raise file_error(error, what, file=error.filename or folder, remedy=remedy) from error
        yield
    except BaseException:
        for path_made in reversed(made):
            with suppress(OSError):
                path_made.rmdir() if path_made.is_dir() else path_made.unlink()
        raise


def additions(path: str, lines: list[str]) -> str:
    """Lines to add to a file, as a diff shows them."""
    return "\n".join([f"{path}: lines to add", *(f"+{line}" for line in lines)])


def difference(path: str, there: str, wanted: str, by: str = "bakewell init") -> str:
    """A unified diff from what is there to what would have been written."""
    before, after = there.splitlines(), wanted.splitlines()
    return "\n".join(difflib.unified_diff(before, after, f"{path} (there)", f"{path} ({by})", lineterm=""))


def _missing(path: str, there: bytes, wanted: bytes, by: str) -> str | None:
    """How the file differs; None where it has all that is needed."""
    try:
        before, after = there.decode(), wanted.decode()
    except UnicodeDecodeError:
        return f"{path}: what is there is not what would be written, and one of them is no text"
    lines = missing(path, before, after)
    if lines is None:
        return difference(path, before, after, by)
    return additions(path, lines) if lines else None


def _missing_folders(folder: Path) -> list[Path]:
    """The folder and those above it that are missing, from the top."""
    found = []
    while not folder.exists():
        found.append(folder)
        folder = folder.parent
    return found[::-1]


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
