"""The process on this host that provisions: what it may see, how long it may take, and that it leaves nothing running.

Imported before PyInfra, which replaces the standard library's functions that wait: the names below are the originals.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from os import waitpid
from pathlib import Path
from time import sleep
from types import FrameType
from typing import NoReturn

SEEN = (
    # Programs are found, and have a place for temporary files.
    *("PATH", "TMPDIR"),
    # Vendors are reached: through a proxy, trusting the authorities of this network.
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""Variables that deploy.py and the checks see, besides BUILD_…: whatever else they could read, nobody has hashed. No
credentials are among them: the cloud is Packer's affair, and an image must hold no secret."""

FIXED = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}  # a set, too, has the same order in every build

_NARROWED = "narrowed"
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def narrow() -> None:
    """Begin this program again, as the same process, with an environment of SEEN, FIXED and BUILD_… alone.

    From the start, because /proc keeps what a process was started with.
    """
    kept = {name: value for name, value in os.environ.items() if name in SEEN or name.startswith("BUILD_")} | FIXED
    if sys.argv[1:] != [_NARROWED]:
        os.execve(sys.executable, [sys.executable, "-s", sys.argv[0], _NARROWED], kept)
    os.environ.clear()  # of what the system itself may have added
    os.environ.update(kept)
    with contextlib.suppress(OSError, AttributeError):  # Linux only: orphans become children of this process
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


USED = ("pyinfra", "pytest-testinfra")
"""What provision.py itself needs."""


class Declared:
    """A finder of modules that refuses packages which no fingerprint covers, though they are installed beside PyInfra.

    Let through are the standard library, files of this folder, and USED and what requirements.txt states, with all that
    these need.
    """

    def __init__(self, requirements: Path) -> None:
        stated = requirements.read_text(encoding="utf-8").splitlines()
        self._names = sys.stdlib_module_names | {name for one in _needed([*USED, *stated]) for name in _modules(one)}
        above = Path(os.__file__).parent  # where modules are that are named after the system, too
        self._library = [str(above), str(above / "lib-dynload")]

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        """Leave it to the finders that follow, or raise ModuleNotFoundError."""
        del target
        if path is not None or name in self._names or Path(f"{name}.py").exists() or Path(name).is_dir():
            return
        if PathFinder.find_spec(name, self._library) is not None:
            return
        raise ModuleNotFoundError(
            f"{name} cannot be imported here: no fingerprint covers it\n"
            "remedy: use the standard library, PyInfra or a step, or put the module beside deploy.py",
            name=name,
        )


def _needed(requirements: Sequence[str]) -> Iterator[Distribution]:
    """The distributions that are required, and those that these require, without their extras."""
    todo, seen = list(requirements), set()
    while todo:
        requirement, _, marker = todo.pop().partition("#")[0].partition(";")
        found = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
        if found is None or "extra" in marker or found[1].lower() in seen:
            continue
        seen.add(found[1].lower())
        with contextlib.suppress(PackageNotFoundError):  # for another version of Python
            one = distribution(found[1])
            todo += one.requires or ()
            yield one


def _modules(one: Distribution) -> Iterator[str]:
    """The modules at the top that a distribution brings."""
    for path in one.files or ():
        if path.parts[0] != ".." and not path.parts[0].endswith(".dist-info"):
            yield path.parts[0].partition(".")[0]


def limit(seconds: float, report: Callable[[], None]) -> None:
    """End this process with status 1, after `report()`, unless another limit is set within `seconds`.

    By a signal, because what hangs cannot be asked to stop.
    """

    def over(number: int, frame: FrameType | None) -> None:
        del number, frame
        try:
            report()
        except Exception:
            traceback.print_exc()
        finally:
            leave(1)

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def leave(status: int) -> NoReturn:
    """End this process at once, and all that it started: Packer waits for everybody who has its output open."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    _end_started()
    os._exit(status)


def _end_started() -> None:
    """Kill what this process and its children have started, also in sessions of their own. Does nothing without /proc.

    Again and again, because a process that is about to be killed may just have started another; not for ever, because
    another user's cannot be killed.
    """
    for _ in range(200):
        found = _descendants()
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while waitpid(-1, os.WNOHANG)[0]:
                pass
        sleep(0.01)


def _descendants() -> list[int]:
    """Processes below this one that have not ended.

    `bakewell.build.supervisor` has the same: it imports nothing, and nothing here can import it.
    """
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            state, parent = path.read_bytes().rpartition(b")")[2].split()[:2]
            if state not in (b"Z", b"X"):
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found, new = [], [os.getpid()]
    while new:
        new = [child for parent in new for child in children.get(parent, ())]
        found += new
    return found
