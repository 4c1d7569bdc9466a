"""Runs Packer so that it is told to stop when whoever started the build is gone.

Pulumi ends a command with SIGKILL, which nothing can catch. So Packer's parent is this small process in a session of
its own. It holds the read end of a pipe whose write end the build holds: end of file means that the build ended,
however it ended. Then Packer gets SIGINT, as Ctrl-C would send it, has `grace` seconds to remove its machine, and is
killed if it needs longer. The build's lock is inherited as an open file, so the run counts as alive until this
process ends too.

However Packer ends, every process that it started ends with it, also one in a session of its own, such as a check may
start: on Linux this process is their "subreaper", so they become its children. Elsewhere that holds for Packer's own
process group only.

Packer's output goes, without control sequences and with secrets masked, to the log file and nowhere else: it must not
hold Pulumi's pipes open. The texts to mask come on stdin, as a list of JSON: on the command line everybody could read
them.

Run by path with `python -I -S`, it needs nothing but the standard library and starts in a few hundredths of a second.
It calls no API and removes nothing in the cloud: what Packer leaves there is for the reaper.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

LOG_FAILED = 74  # the log cannot be written, as a rule because the disk is full
OUT_OF_TIME = 124
INTERRUPTED = 130
MASK = b"***"
_LONGEST_LINE = 64 * 1024
_LONGEST_CONTROL = 4096
# bakewell.masks has its twin for text, and says what each part is.
_CONTROL = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
    rb"|[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]"
)
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]*\x1b?|[ -/]*)\Z")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


class Log:
    """The log file: lines without control sequences, secrets masked.

    Args:
        path: where it is; appended to.
        secrets: every text to mask.
    """

    def __init__(self, path: str, secrets: list[bytes]) -> None:
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - open for the life of the process
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._overlap = max(map(len, secrets), default=1) - 1
        self._rest = b""
        self.failed = False

    def take(self, data: bytes) -> None:
        """Write the whole lines of what has come so far, and keep the rest."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_LINE + self._overlap:
            lines.append(self._cut())
        if lines:
            self._write(b"".join(self._plain(line) + b"\n" for line in lines))

    def close(self) -> None:
        if self._rest:
            self._write(self._plain(self._rest) + b"\n")
        self._file.close()

    def _plain(self, line: bytes) -> bytes:
        line = _CONTROL.sub(b"", line)
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line

    def _cut(self) -> bytes:
        """The beginning of a line that is too long. What may be a part of a secret or of a control sequence stays."""
        begun = _BEGUN.search(self._rest, max(0, len(self._rest) - _LONGEST_CONTROL))
        end = begun.start() if begun else len(self._rest)
        plain = self._plain(self._rest[:end])
        at = max(0, len(plain) - self._overlap)
        self._rest = plain[at:] + self._rest[end:]
        return plain[:at]

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError:
            self.failed = True


def elapsed() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the host sleeps: leases run on meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))  # macOS's monotonic clock does so


def supervise(command: list[str], log: Log, *, parent: int, grace: float, seconds: float) -> int:
    """Run `command` in this process's group until it ends; the exit status to end with.

    Args:
        command: Packer's whole command line.
        log: where its output goes.
        parent: file descriptor whose end of file says that the build is gone.
        grace: seconds that an interrupted Packer has to clean up.
        seconds: how long it may take; then it is interrupted in any case.
    """
    deadline = elapsed() + seconds
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.fileno() if process.stdout else -1
    os.set_blocking(output, False)
    why, pause = 0, 0.2
    kill_at = float("inf")
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(parent, selectors.EVENT_READ)
        while process.poll() is None:
            for key, _ in selector.select(timeout=pause):
                if key.fd == parent:
                    selector.unregister(parent)
                    why = why or INTERRUPTED
                elif not _drain(output, log):
                    selector.unregister(output)
                    pause = 0.01  # its end is near
            why = why or (LOG_FAILED if log.failed else OUT_OF_TIME if elapsed() >= deadline else 0)
            if why and kill_at == float("inf"):
                kill_at = time.monotonic() + grace
                os.killpg(0, signal.SIGINT)
            if time.monotonic() >= kill_at:
                end_descendants()
                _drain(output, log)
                log.close()
                os.killpg(0, signal.SIGKILL)  # this process is one of the group
    end_descendants()  # before the rest is read, which would have no end while somebody goes on writing
    _drain(output, log)
    status = process.returncode
    if status == 0 and why == LOG_FAILED:  # it was done all the same
        return 0
    return why or (status if status >= 0 else 128 - status)


def _drain(output: int, log: Log) -> bool:
    """Pass on what there is to read; False at end of file."""
    try:
        while data := os.read(output, 65536):
            log.take(data)
    except BlockingIOError:
        return True
    return False


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. Does nothing where the system has no such thing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def end_descendants(patience: float = 5.0) -> None:
    """Kill every process that this one, or one of those, started; give up after `patience` seconds.

    Again and again, because one that is about to be killed may just have started another. Does nothing without /proc.
    """
    until = time.monotonic() + patience
    while (found := _descendants()) and time.monotonic() < until:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _descendants() -> list[int]:
    """Processes below this one that have not ended."""
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


def main() -> int:
    """Read the arguments, run Packer, and hand its exit status on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True)
    parser.add_argument("--parent", type=int, required=True, help="file descriptor of the pipe from the build")
    parser.add_argument("--grace", type=float, required=True, help="seconds")
    parser.add_argument("--seconds", type=float, required=True, help="how long the command may take")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which Packer would inherit
    try:
        masked: list[str] = json.load(sys.stdin)
    except ValueError:
        return INTERRUPTED  # the build ended before it had said them
    adopt_orphans()
    log = Log(arguments.log, [text.encode("utf-8", "surrogateescape") for text in masked])
    status = supervise(
        arguments.command, log, parent=arguments.parent, grace=arguments.grace, seconds=arguments.seconds
    )
    log.close()
    return LOG_FAILED if log.failed and status != 0 else status  # what Packer made is whole, whatever became of the log


if __name__ == "__main__":
    sys.exit(main())
