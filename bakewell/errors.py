"""What can go wrong, said once: the thing, the file, the remedy.

Every error that a user can cause or mend is a `BakewellError`. The CLI prints it without a traceback and exits with
the class's `exit_code`; the Pulumi program lets it end the preview. Programming errors are not wrapped here.
"""

from __future__ import annotations

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
        self.what = what
        self.file = str(file) if file is not None else None
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        then = f"\n  remedy: {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}{then}"


class ConfigError(BakewellError):
    """Bad input: image.toml, stack config, bases.lock, environment. Found before anything is built."""

    exit_code = 2


class ContextError(ConfigError):
    """A file that may not, or cannot, be part of an image's context."""


class CloudError(BakewellError):
    """The cloud's API refused, failed after retries, or could not be reached."""

    exit_code = 3


class BuildError(BakewellError):
    """Packer or its provisioning failed; `file` is the full log."""

    exit_code = 4


class Interrupted(BakewellError):
    """A build was told to stop; what it had made is removed or left for the next command to reap."""

    exit_code = 5
