"""Runs a command as the real `command` plugin does, down to the wording of its errors.

One process, started through an interpreter; its lines are logged while it runs. It is stopped by SIGKILL alone and
without its children: whoever needs to tidy up has to notice by other means. That is how the real plugin behaves, and
what builds have to cope with.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import IO

from bakewell_local.sandbox.providers.server import Log, Operation, Properties, ProviderError


class Runner:
    """Runs commands, many at a time, and kills them all when Pulumi is interrupted."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = False
        self._lock = Lock()

    def cancel(self) -> None:
        """SIGKILL to what runs now, and to whatever is started afterwards."""
        with self._lock:
            self._cancelled = True
            for process in self._running:
                process.kill()

    def run(self, text: str, given: Properties, further: Mapping[str, str], op: Operation) -> tuple[str, str]:
        """The stdout and stderr of the command `text`, each without one trailing newline. Bytes that are not UTF-8
        become surrogates.

        Args:
            given: the resource's inputs in the open: interpreter, dir (relative to the project), environment (added
                to everything Pulumi has), stdin, logging.
            further: variables beside those.

        It returns when the process and everything else that holds its output have ended. The process is killed once
        the engine has hung up.

        Raises:
            ProviderError: it could not be started, failed, or was killed; the message ends in all its output.
        """
        process = self._start(text, given, further)
        if not op.on_hang_up(process.kill):
            process.kill()
        try:
            return self._finish(process, text, given, op)
        finally:
            with self._lock:
                self._running.discard(process)

    def _start(self, text: str, given: Properties, further: Mapping[str, str]) -> subprocess.Popen[bytes]:
        directory, interpreter = given.get("dir"), given.get("interpreter") or ("/bin/sh", "-c")
        if directory is not None and not Path(directory).exists():
            raise _error(f"chdir {directory}: no such file or directory", text)
        program = interpreter[0]
        with self._lock:
            try:
                process = subprocess.Popen(
                    [*interpreter, text],
                    stdin=subprocess.PIPE if given.get("stdin") else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=directory,
                    env={**inherited_environment(), **given.get("environment", {}), **further},
                )
            except OSError as error:
                reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
                if error.errno == errno.ENOENT and "/" not in program:
                    raise _error(f'exec: "{program}": executable file not found in $PATH', text) from error
                raise _error(f"fork/exec {program}: {reason}", text) from error
            self._running.add(process)
            if self._cancelled:
                process.kill()
        return process

    def _finish(self, process: subprocess.Popen[bytes], text: str, given: Properties, op: Operation) -> tuple[str, str]:
        timer = Timer(op.timeout, process.kill) if op.timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        parts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        mixed: list[bytes] = []
        readers, logging = [], given.get("logging", "stdoutAndStderr")
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            shown = op.log if logging in (name, "stdoutAndStderr") else None
            readers.append(Thread(target=_read, args=(stream, parts[name], mixed, shown)))
        if process.stdin:
            readers.append(Thread(target=_feed, args=(process.stdin, given["stdin"].encode())))
        for reader in readers:
            reader.start()
        code = process.wait()
        if timer:
            timer.cancel()
        for reader in readers:
            reader.join()
        if code:
            told = f"signal: {_signal_name(-code)}" if code < 0 else f"exit status {code}"
            raise _error(told, text, b"".join(mixed).decode(errors="replace"))
        out, err = (b"".join(part).decode(errors="surrogateescape").removesuffix("\n") for part in parts.values())
        return out, err


def inherited_environment() -> dict[str, str]:
    """The environment this process was given. Python may have added LC_CTYPE to its own (PEP 538); a command must
    get what Pulumi has, and no more.
    """
    environment = dict(os.environ)
    given = Path("/proc/self/environ")
    if given.exists() and not any(entry.startswith(b"LC_CTYPE=") for entry in given.read_bytes().split(b"\0")):
        environment.pop("LC_CTYPE", None)
    return environment


def _read(stream: IO[bytes], kept: list[bytes], mixed: list[bytes], log: Log | None) -> None:
    for line in stream:
        kept.append(line)
        mixed.append(line)
        if log is not None:
            log(line.decode(errors="replace").rstrip("\r\n"))


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.close()
    except BrokenPipeError:
        # The command may end without having read its input; that is its business.
        return


def _error(told: str, text: str, output: str = "") -> ProviderError:
    return ProviderError(f"{told}: running {json.dumps(text, ensure_ascii=False)}:\n{output}")


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()
