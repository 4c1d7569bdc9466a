"""Runs Packer so that it is told to stop when whoever started the build is gone.

Pulumi ends a command with SIGKILL, which nothing can catch. So Packer's parent is this small process in a session of
its own. It holds the read end of a pipe whose write end the build holds: end of file means that the build ended,
however it ended. Then Packer gets SIGINT, as Ctrl-C would send it, has `grace` seconds to remove its machine, and is
killed if it needs longer. The build's lock is inherited as an open file, so the run counts as alive until this
process ends too.

Packer's output goes, with secrets masked, to the log file and nowhere else: it must not hold Pulumi's pipes open.

Run by path with `python -I -S`, it needs nothing but the standard library and starts in a few hundredths of a second.
It calls no API and removes nothing itself: what Packer leaves is for the reaper.
"""

from __future__ import annotations

import argparse
import os
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


class Log:
    """The log file; masks secrets line by line."""

    def __init__(self, path: str, secrets: list[bytes]) -> None:
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - open for the life of the process
        self._secrets = secrets
        self._rest = b""
        self.failed = False

    def take(self, data: bytes) -> None:
        """Write the whole lines of what has come so far, and keep the rest."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            self._write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        if self._rest:
            self._write(self._rest + b"\n")
        self._file.close()

    def _write(self, data: bytes) -> None:
        for secret in self._secrets:
            data = data.replace(secret, MASK)
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
                _drain(output, log)
                log.close()
                os.killpg(0, signal.SIGKILL)  # this process is one of the group
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


def main() -> int:
    """Read the arguments, run Packer, and hand its exit status on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True)
    parser.add_argument("--parent", type=int, required=True, help="file descriptor of the pipe from the build")
    parser.add_argument("--grace", type=float, required=True, help="seconds")
    parser.add_argument("--seconds", type=float, required=True, help="how long the command may take")
    parser.add_argument("--mask", action="append", default=[], help="environment variable whose value is masked")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which Packer would inherit
    secrets = sorted((os.environ[name].encode() for name in arguments.mask), key=len, reverse=True)
    log = Log(arguments.log, secrets)
    status = supervise(
        arguments.command, log, parent=arguments.parent, grace=arguments.grace, seconds=arguments.seconds
    )
    log.close()
    return LOG_FAILED if log.failed and status != 0 else status  # what Packer made is whole, whatever became of the log


if __name__ == "__main__":
    sys.exit(main())
