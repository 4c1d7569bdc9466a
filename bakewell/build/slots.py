"""Locks between the builds of one host: how many at once, and each content once.

Pulumi starts one process an image, so the cap has to hold between processes: it is a number of lock files, and
whoever holds one may build. The kernel frees the lock of a process that dies.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bakewell.build.runs import make_private, reading, unwritable
from bakewell.build.stop import Stop

QUEUED = "waiting for a free slot"
ELSEWHERE = "the same image is being built by another process here"
_PAUSE = 0.1  # seconds between looks for a free slot
_PRUNE_AFTER = 30 * 24 * 3600.0  # seconds


@contextmanager
def slot(state_dir: Path, cap: int, stop: Stop, say: Callable[[str], None]) -> Iterator[bool]:
    """Hold one of `cap` slots, waiting for one to become free. Gives whether it had to wait.

    Raises:
        Interrupted: told to stop while waiting.
    """
    folder = state_dir / "slots"
    waited = False
    while True:
        for number in range(cap):
            lock = _try(folder / f"{number}.lock")
            if lock is not None:
                try:
                    yield waited
                finally:
                    lock.release()
                return
        if not waited:
            waited = True
            say(f"{QUEUED}: {cap} builds at once (bakewell:parallel)")
        stop.sleep(_PAUSE)


@contextmanager
def once(state_dir: Path, name: str, stop: Stop, say: Callable[[str], None]) -> Iterator[None]:
    """Be the only one on this host that works on `name`, so that a second build of the same content adopts the first's.

    Raises:
        Interrupted: told to stop while waiting.
    """
    path = state_dir / "roles" / f"{name}.lock"
    told = False
    while (lock := _try(path)) is None:
        if not told:
            told = True
            say(f"{ELSEWHERE}: waiting for it")
        stop.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


def prune(state_dir: Path, now: float) -> None:
    """Delete logs with the files beside them, lock files and what engines were told: untouched for 30 days."""
    for folder in ("logs", "roles", "validated", "engines"):
        with reading(state_dir):
            paths = list((state_dir / folder).glob("*"))
        for path in paths:
            with reading(state_dir), suppress(FileNotFoundError):  # another command prunes too
                if now - path.stat().st_mtime > _PRUNE_AFTER:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _try(path: Path) -> FileLock | None:
    try:
        make_private(path.parent)
        lock = FileLock(path, mode=0o600)
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return lock
