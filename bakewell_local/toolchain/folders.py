"""Where set-up keeps things outside the clone: XDG folders of the user, read from the environment at each call.

Several clones share them: what one of them makes there, it makes `alone`, and it is `whole` or not there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bakewell_local.toolchain.progress import say

ROOT = Path(__file__).resolve().parents[2]


def cache() -> Path:
    """What can be made again at the cost of time: built tools, the base machine's file system."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """What this user's machine is running for us: the record of an engine that we started."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def _xdg(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default) / "bakewell"


@contextmanager
def alone(file: Path, name: str, doing: str, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `file` while the block runs.

    Args:
        file: the lock.
        name: what the line is prefixed with that is said where another process holds it.
        doing: what that process does, for the same line.
        check: called before each second of waiting; what it raises ends that.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    waiting = False
    while True:
        check()
        try:
            held = lock.acquire(timeout=1 if waiting else 0)
            break
        except Timeout:
            if not waiting:
                say(name, f"another process is {doing} it: waiting")
            waiting = True
    with held:
        yield


@contextmanager
def whole(home: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `home` when the block ends well and is removed when it does not.

    Only for who is `alone`: what a killed process left half is removed first.
    """
    for left in home.parent.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    new = home.with_name(f"new-{os.getpid()}")
    try:
        yield new
        shutil.rmtree(home, ignore_errors=True)
        new.rename(home)
    finally:
        shutil.rmtree(new, ignore_errors=True)
