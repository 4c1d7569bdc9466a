"""Regular files only, and never more than a limit: a pipe would be waited for, and a device has no end.

The kind is asked of the open file, not of its path, so that nothing can be put in its place in between.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bakewell.errors import ConfigError, file_error

LIMIT = 1_000_000
"""Bytes of a file that people write: image.toml, stack config, a lock file, a template, a deploy.py."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path | str, flags: int = 0) -> int:
    """A descriptor to read the regular file at `path`, without ever waiting for somebody at the other end.

    Args:
        flags: more of `os.open`, such as O_NOFOLLOW.

    Raises:
        OSError: it cannot be opened, or is no regular file; `strerror` says what it is.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | flags)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
            raise OSError(errno.EINVAL, "it is a socket or a device, not a regular file", str(path)) from error
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "something else")
            raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_bytes(path: Path, what: str, *, limit: int = LIMIT) -> bytes:
    """The file's content.

    Raises:
        ConfigError: it is missing, unreadable, no regular file, or has more than `limit` bytes.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise ConfigError(f"{what} is missing", file=path, remedy="create it") from None
    except OSError as error:
        remedy = "make it a file that you can read"
        raise file_error(error, f"{what} cannot be read", file=path, remedy=remedy) from error
    if len(content) > limit:
        raise ConfigError(f"{what} has more than {limit} bytes", file=path, remedy="make it smaller, or split it")
    return content


def read_text(path: Path, what: str, *, limit: int = LIMIT) -> str:
    """The file's text, its lines ended by `\\n`. Raises ConfigError as `read_bytes` does, and where it is not UTF-8."""
    try:
        text = read_bytes(path, what, limit=limit).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what} is not UTF-8 text: {error.reason}", file=path, remedy="save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def looking(what: str, file: Path) -> Iterator[None]:
    """Around looking whether files exist: one that may not even be looked at is a ConfigError that names it."""
    try:
        yield
    except OSError as error:
        remedy = "make it, and the folders that it lies in, readable"
        raise file_error(error, f"{what} cannot be read", file=error.filename or file, remedy=remedy) from error
