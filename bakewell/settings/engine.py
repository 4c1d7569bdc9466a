"""The stack of a command that Pulumi runs: the program of the same run writes its name to a file.

The name cannot be an input of a Command: a rename of the stack would change the input and rerun every Command, and a
preview would show every machine as replaced. Program and command share a value that no other run on this host has: the
address of the engine, which Pulumi passes to the program and to the plugin as an argument.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bakewell.errors import BakewellError, ConfigError, file_error
from bakewell.reading import LIMIT, open_regular

if TYPE_CHECKING:
    import psutil

_WHAT = "which stack this command works on cannot be read"
_ADDRESS = re.compile(r"[A-Za-z0-9.\[\]:-]{1,100}:[0-9]{1,5}")


def announce(state_dir: Path, stack: str) -> None:
    """Record `stack` for the commands of the engine that runs this program.

    Raises:
        ConfigError: this program or plugin was not started by Pulumi.
        BakewellError: the state directory cannot be written.
    """
    import psutil  # Here, because previews and operators' commands do not need it.

    words = _command_line(psutil.Process())
    named = [after for word, after in pairwise(words) if word == "--engine"]
    # A plugin gets the address as its only argument.
    engine = next((word for word in named or words if _ADDRESS.fullmatch(word)), None)
    if engine is None:
        raise ConfigError(
            "this program was started without the address of Pulumi's engine (--engine), by which its commands know "
            "their stack",
            remedy="let `pulumi up` start it",
        )
    path = _file(state_dir, engine)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(stack, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise BakewellError(
            f"the state directory cannot be written: {error.strerror}",
            file=error.filename or path,
            remedy="free disk space or correct its owner, or set BAKEWELL_STATE to a directory of yours",
        ) from error


def announced(state_dir: Path) -> str:
    """The stack that the program recorded for the engine whose plugin runs this command.

    Raises:
        ConfigError: no engine runs this command, or no stack is recorded for the engine. Any other stack would be a
            guess, and `clean` would delete images by its policy.
    """
    import psutil

    lines = ([word for word in _command_line(one) if _ADDRESS.fullmatch(word)] for one in psutil.Process().parents())
    # Only the nearest engine's addresses: an engine further up runs another stack, of which this run is a part.
    engines = next(filter(None, lines), [])
    stack = next(filter(None, (_read(_file(state_dir, engine)) for engine in engines)), None)
    if stack is None:
        raise ConfigError(
            f"{_WHAT}: none was announced to {' or '.join(engines) or 'an engine that runs it'}",
            file=state_dir / "engines",
            remedy="run `pulumi up` again; by hand, run the command without BAKEWELL_FINGERPRINT, BAKEWELL_MACHINE and "
            "--from-pulumi",
        )
    return stack


def _file(state_dir: Path, engine: str) -> Path:
    return state_dir / "engines" / re.sub(r"[^A-Za-z0-9.-]", "-", engine)


def _read(path: Path) -> str | None:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return file.read(LIMIT).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{_WHAT}: {error.reason}", file=path, remedy="remove that file") from None
    except OSError as error:
        raise file_error(error, _WHAT, file=path, remedy="remove that file") from error


def _command_line(process: psutil.Process) -> Sequence[str]:
    import psutil

    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return ()  # for example another user's process, which is not Pulumi's
