"""Which stack a command that Pulumi runs works on: the program of the same run says so in a file.

No input of a Command can say it. A rename of the stack would change the input, rerun every Command, and have a preview
replace every machine. Program and command share one thing that no other run on this host has: the address of the
engine, which Pulumi gives to the program and to the plugin as an argument.
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
    """Have the commands of the engine that runs this program work on `stack`.

    Raises:
        ConfigError: it was not Pulumi that started this program or plugin.
        BakewellError: the state directory cannot be written.
    """
    import psutil  # Here, because neither a preview nor an operator's command needs it.

    words = _command_line(psutil.Process())
    named = [after for word, after in pairwise(words) if word == "--engine"]
    # A plugin is given the address as a plain argument, and no other one.
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
    """The stack that was announced to the engine whose plugin runs this command.

    Raises:
        ConfigError: no engine runs it, or none is known to that engine. Any other stack would be a guess, and `clean`
            would delete by its policy.
    """
    import psutil

    lines = ([word for word in _command_line(one) if _ADDRESS.fullmatch(word)] for one in psutil.Process().parents())
    # Those of the nearest alone: an engine further up has this engine's run, and another stack.
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
        return ()  # another user's, say: none of Pulumi's
