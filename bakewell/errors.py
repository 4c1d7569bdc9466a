"""Expected errors. Each names the thing, the file and the remedy.

Every error that a user can cause or fix is a `BakewellError`. The CLI prints it without a traceback and exits with the
class's `exit_code`; in the Pulumi program it ends the preview. Programming errors are not wrapped.
"""

from __future__ import annotations

import errno
from pathlib import Path


class BakewellError(Exception):
    """Root of all expected failures.

    Args:
        what: the error, with the name of the thing ("image web: unknown key `stpes`").
        file: the file to look at, if there is one.
        remedy: how to fix the error, as an imperative sentence.
    """

    exit_code = 1

    def __init__(self, what: str, *, file: Path | str | None = None, remedy: str = "") -> None:
        self.what = _printable(what)
        self.file = _printable(str(file)) if file is not None else None
        self.remedy = _printable(remedy)
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        then = f"\n  remedy: {self.remedy}" if self.remedy else ""
        notes = "".join(f"\n  {note}" for note in getattr(self, "__notes__", ()))
        return f"{where}{self.what}{then}{notes}"


def _printable(text: str) -> str:
    """The text as valid UTF-8: names of files, URLs and keys may hold other bytes, which Pulumi and JSON refuse."""
    return text.encode("utf-8", "backslashreplace").decode()


class ConfigError(BakewellError):
    """Bad input: image.toml, stack config, bases.lock, environment. Found before anything is built."""

    exit_code = 2


class ContextError(ConfigError):
    """A file that may not, or cannot, be part of an image's context."""


class HostError(BakewellError):
    """The host failed, not the input: its disk is full or broken, or it has no memory or open files left."""


_HOST_FAILS = {
    errno.ENOSPC: "free disk space there, then run it again",
    errno.EDQUOT: "free disk space there or have the quota raised, then run it again",
    errno.EROFS: "mount the file system there for writing, then run it again",
    errno.EIO: "see what the system's log says of the disk, then run it again",
    errno.EMFILE: "allow more open files (ulimit -n), then run it again",
    errno.ENFILE: "close programs that hold many files open, then run it again",
    errno.ENOMEM: "free memory, then run it again",
}


def file_error(
    error: OSError, what: str, *, file: Path | str | None, remedy: str, kind: type[BakewellError] = ConfigError
) -> BakewellError:
    """The error for a file that could not be read or written: `kind`, or `HostError` if the host failed.

    Args:
        what: the failed operation ("bases.lock cannot be read"); the system's message is added.
        remedy: remedy for `kind`; `HostError` has its own.
    """
    host = _HOST_FAILS.get(error.errno or 0)
    said = f"{what}: {error.strerror or error}"
    return HostError(said, file=file, remedy=host) if host else kind(said, file=file, remedy=remedy)


class CloudError(BakewellError):
    """The cloud's API refused, failed after retries, or could not be reached."""

    exit_code = 3


class BuildError(BakewellError):
    """Packer or its provisioning failed; `file` is the full log."""

    exit_code = 4


class Interrupted(BakewellError):
    """A build was stopped by a signal; its resources are deleted, or left for the next command to delete."""

    exit_code = 5
