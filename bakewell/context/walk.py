"""Finding the files of a context: which count, which are ignored, which are refused.

Only names and kinds are looked at here; contents are read in `hashing`. The order in which a folder lists its
entries, modification times, owners and permission bits make no difference.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import ContextError, file_error
from bakewell.secret_shapes import secret_name

IGNORED = (
    # Version control: the folder of a nested clone, and the file of that name in a submodule or a worktree.
    *(".git", ".hg", ".svn", ".bzr", ".jj", "CVS"),
    # Python and its tools.
    *("__pycache__", "*.pyc", "*.pyo", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    *(".ipynb_checkpoints", ".coverage"),
    # Editors: projects, swap files, backups, locks, and the files with which vim and JetBrains try a folder.
    *(".idea", ".vscode", ".vs", ".*.sw?", "*.swp", "*.swo", "4913", "*~", ".#*", "#*#", ".~lock.*#"),
    *("*___jb_tmp___", "*___jb_old___", ".*.kate-swp"),
    # Desktops and file systems.
    *(".DS_Store", "._*", ".AppleDouble", "__MACOSX", "Thumbs.db", "desktop.ini", ".directory", ".Trash-*"),
    *(".nfs*", ".fuse_hidden*"),
)
"""Names of files and folders that tools leave behind. Nothing else is ignored, .gitignore plays no part."""

_IGNORED = re.compile("|".join(fnmatch.translate(pattern) for pattern in IGNORED))


@dataclass(frozen=True, slots=True)
class Found:
    """A file that belongs to a context.

    Attributes:
        path: where it goes in the context: relative, with `/`.
        source: where it is now (a symlink is already resolved).
        size: bytes.
        layer: the layer that has it: "shared", "project" or "role".
        beneath: the file of an earlier layer whose place it takes.
    """

    path: str
    source: str
    size: int
    layer: str
    beneath: Found | None = None


def ignored(name: str) -> bool:
    """True for a file or folder of this name, which never belongs to a context."""
    return _IGNORED.match(name) is not None


def files_in(
    folder: Path, prefix: str = "", *, layer: str, deep: bool = True, skip: frozenset[str] = frozenset()
) -> Iterator[Found]:
    """Every file below `folder`, its path starting with `prefix`; in no particular order.

    Args:
        layer: the layer that `folder` belongs to.
        deep: whether to descend into folders.
        skip: names directly in `folder` that are left out.

    Raises:
        ContextError: an unreadable folder, a symlink that leads out of `folder` or to a folder, a socket, pipe or
            device, a name that is not printable UTF-8 or is that of a secret.
    """
    if deep and folder.is_symlink():
        target = folder.readlink()
        raise ContextError(
            f"a symlink to {target} leads out of the context", file=folder, remedy="copy the folder there"
        )
    yield from _walk(str(folder), prefix, os.path.realpath(folder), layer, deep, skip)


def one_file(path: Path, name: str, *, layer: str) -> Found:
    """The single file at `path`, as `name` in the context. Raises ContextError as `files_in` does."""
    with os.scandir(path.parent) as entries:
        entry = next((entry for entry in entries if entry.name == path.name), None)
    if entry is None:
        raise ContextError(f"{name} is gone", file=path, remedy="restore it, then run the command again")
    return _file(entry, name, os.path.realpath(path.parent), layer)


def _walk(folder: str, prefix: str, root: str, layer: str, deep: bool, skip: frozenset[str]) -> Iterator[Found]:
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        remedy = "make it readable"
        raise file_error(error, "folder cannot be read", file=folder, remedy=remedy, kind=ContextError) from error
    for entry in entries:
        name = entry.name
        if name in skip or ignored(name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if deep:
                _check_name(name, entry.path)
                yield from _walk(entry.path, f"{prefix}{name}/", root, layer, True, frozenset())
        else:
            yield _file(entry, f"{prefix}{name}", root, layer)


def _file(entry: os.DirEntry[str], path: str, root: str, layer: str) -> Found:
    _check_name(entry.name, entry.path)
    if secret_name(entry.name):
        raise ContextError(
            f"{path} has the name of a secret, and secrets stay out of images",
            file=entry.path,
            remedy="move it out of packer/ and let the machine fetch it when it starts; "
            "if it is none, rename it (a public certificate is called .crt)",
        )
    source = entry.path
    if entry.is_symlink():
        source = os.path.realpath(source)
        if not source.startswith(root + os.sep):
            raise ContextError(
                f"{path} is a symlink that leads out of the context, to {Path(entry.path).readlink()}",
                file=entry.path,
                remedy="copy the file there instead",
            )
    try:
        status = entry.stat(follow_symlinks=False) if source == entry.path else Path(source).lstat()
    except OSError as error:
        target = f"a symlink to {Path(entry.path).readlink()}, " if entry.is_symlink() else ""
        what, remedy = f"{path} is {target}unreadable", "restore or remove it"
        raise file_error(error, what, file=entry.path, remedy=remedy, kind=ContextError) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "no regular file (a pipe, socket or device)"
        if entry.is_symlink():
            kind = "a symlink to a folder" if stat.S_ISDIR(status.st_mode) else "a symlink to no regular file"
        raise ContextError(f"{path} is {kind}", file=entry.path, remedy="put files in its place, or remove it")
    return Found(path, source, status.st_size, layer)


def _check_name(name: str, where: str) -> None:
    if not name.isprintable():  # Surrogates, which stand for bytes that are no UTF-8, are not printable either.
        shown = where.encode("utf-8", "backslashreplace").decode()
        raise ContextError(f"{name!r} is no printable UTF-8 name", file=shown, remedy="rename it")
