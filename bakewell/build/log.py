"""What people see of a build while it runs: lines with the role in front, masked and bounded.

The full log of a build is a file that the supervisor writes; this module follows it. Lines go to stderr, because
stdout belongs to the one JSON line that Pulumi stores. Pulumi stores stderr as well, which is why there is a bound.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from bakewell.build.runs import make_private, unwritable
from bakewell.masks import CONTROL, Masks

BOUND = 128 * 1024  # bytes of one process's lines that Pulumi may store
_LONGEST_LINE = 2000
_CAUSE = re.compile(r"^provision: (?!deployed )(?P<what>.+)$")  # packer/provision.py's last words when it fails
_SOURCE = re.compile(r"^(?:==>|-->|   )? *[a-z0-9_-]+\.[a-z0-9_-]+: ?")  # Packer's "==> digitalocean.image: "

FETCHED = "build-fetched"
"""As packer/steps/fetch.py has it."""

Say = Callable[[str], None]


class Printer:
    """Writes `<role> | text` lines from several threads.

    Args:
        out: where to; stderr by default.
        bound: bytes after which nothing more is written; None for no bound.
        secrets: variables and their values; those that look like secrets are masked.
    """

    def __init__(
        self, out: TextIO | None = None, *, bound: int | None = None, secrets: Mapping[str, str] | None = None
    ) -> None:
        self._out = out or sys.stderr
        self._left = bound
        self.mask = Masks(secrets or {}).mask
        self._lock = threading.Lock()

    def for_role(self, role: str) -> Say:
        """A function that writes its text, line by line, with the role in front."""

        def say(text: str) -> None:
            for line in self.mask(text).splitlines():  # whole, because a secret may have several lines
                self.line(f"{role} | {line}")

        return say

    def line(self, text: str) -> None:
        """Write one line, as far as the bound allows."""
        text = self.mask(text).rstrip()[:_LONGEST_LINE] + "\n"  # cut last: half a secret is not known any more
        with self._lock:
            if self._left is not None:
                if self._left <= 0:
                    return
                self._left -= len(text.encode(errors="backslashreplace"))
                if self._left <= 0:
                    text = f"{text.partition(' | ')[0]} | … more than is shown here: the rest is in the log file\n"
            try:
                self._out.write(text)
                self._out.flush()
            except (OSError, ValueError):  # nobody reads any more, the disk is full, it was closed
                self._left = 0  # the build goes on


class Follower:
    """Passes the lines that are added to a file on to `say`, until closed; then the rest of them."""

    def __init__(self, path: Path, say: Say) -> None:
        self._path = path
        self._say = say
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {path.name}", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            self._pass_on()
        except OSError as error:
            self._say(f"the log cannot be followed: {error.strerror} ({self._path})")

    def _pass_on(self) -> None:
        with self._path.open("r", encoding="utf-8", errors="replace", newline="\n") as file:
            rest = ""
            while True:
                last = self._done.is_set()
                rest += file.read()
                *lines, rest = rest.split("\n")
                for line in filter(None, map(plain, lines)):
                    self._say(line)
                if last:
                    break
                self._done.wait(0.1)
            if rest:
                self._say(plain(rest))


def plain(line: str) -> str:
    """A line of Packer's without colours and without the name of the source, which is the same for every image."""
    return _SOURCE.sub("", CONTROL.sub("", line)).rstrip()


def create(state_dir: Path, name: str) -> Path:
    """An empty log file that only this user can read: `<state_dir>/logs/<name>.log`."""
    path = state_dir / "logs" / f"{name}.log"
    try:
        make_private(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return path


def keep_fetched(context: Path, log: Path) -> Path | None:
    """Move what the step `fetch` brought back to `<log's name>.fetched/`, a folder beside the log.

    Args:
        context: the staged folder that the build ran in.

    Returns:
        The folder; None where nothing was brought back.
    """
    brought, kept = context / FETCHED, log.with_suffix(".fetched")
    if not brought.is_dir():
        return None
    brought.rename(kept)
    kept.chmod(0o700)
    return kept


def tail(path: Path, count: int) -> str:
    """The last lines that say something, as `plain`; why there are none, where the log cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            lines = map(plain, file.read().decode("utf-8", "replace").split("\n"))
    except OSError as error:
        return f"(the log cannot be read: {error.strerror})"
    return "\n".join([line for line in lines if line][-count:])


def cause(path: Path) -> tuple[str, list[str]]:
    """What provision.py says failed, and its remedies; ("", []) where something else ended the build."""
    what = ""
    remedies: list[str] = []
    for line in tail(path, 200).split("\n"):
        if found := _CAUSE.match(line):
            what, remedies = found["what"], []
        elif what and line.startswith("  remedy: "):
            remedies.append(line.partition(": ")[2])
    return what, remedies
