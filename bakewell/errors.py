"""What can go wrong, said once: the thing, the file, the remedy.

Every error that a user can cause or mend is a `BakewellError`. The CLI prints it without a traceback and exits with
the class's `exit_code`; the Pulumi program lets it end the preview. Programming errors are not wrapped here.
"""

from __future__ import annotations

import errno
from pathlib import Path


class BakewellError(Exception):
    """Root of all expected failures.

    Args:
        what: what is wrong, naming the thing ("image web: unknown key `stpes`").
        file: the file to look at, where there is one.
        remedy: what to do about it, as an imperative sentence.
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
    """Names of files, addresses and keys may hold what is no UTF-8, which neither Pulumi nor JSON takes."""
    return text.encode("utf-8", "backslashreplace").decode()


class ConfigError(BakewellError):
    """Bad input: image.toml, stack config, bases.lock, environment. Found before anything is built."""

    exit_code = 2


class ContextError(ConfigError):
    """A file that may not, or cannot, be part of an image's context."""


class HostError(BakewellError):
    """This host failed, not the input: its disk is full or broken, or it has no memory or open files left."""


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
    """What to raise for a file that could not be read or written: `kind`, or `HostError` where the host failed.

    Args:
        what: the attempt that failed ("bases.lock cannot be read"); the system's own words are added.
        remedy: for `kind`; a host's failure has its own.
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
    """A build was told to stop; what it had made is removed or left for the next command to reap."""

    exit_code = 5
