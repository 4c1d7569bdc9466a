"""Pulumi as `make` runs it: output line by line, one interrupt per Ctrl-C, and no dead run in its way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pydantic import BaseModel, TypeAdapter

from bakewell import names
from bakewell.errors import BakewellError
from bakewell_local.project import pending
from bakewell_local.project.layout import Project
from bakewell_local.sandbox.direct import OPENER
from bakewell_local.toolchain.processes import find
from bakewell_local.toolchain.progress import say

INTERRUPTED = 130


class Machine(BaseModel):
    """One machine of the stack; `ready_seconds` is None where it could not say."""

    address: str
    url: str | None = None
    ready_seconds: float | None = None


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> int:
    """Run in `folder` to its end and give its exit status; 130 where it was interrupted.

    The command gets a session of its own: the terminal's Ctrl-C would else reach it twice, once from the terminal and
    once from us, and two interrupts mean "drop everything" to Pulumi. A second Ctrl-C is passed on as a second one.
    """
    process: subprocess.Popen[bytes] | None = None
    interrupts = 0

    def forward(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if process is not None:
            process.send_signal(signal.SIGINT)

    with _handling(forward):
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True
        )
        if interrupts:  # before there was anything to pass it on to
            process.send_signal(signal.SIGINT)
        status = process.wait()
    if interrupts:
        return INTERRUPTED
    return status if status >= 0 else 128 - status  # a signal's, as a shell tells it


def ready(stack: str, project: Project, environment: Mapping[str, str]) -> None:
    """Have the stack exist, no dead run hold its lock, and nothing be left of what such a run had under way.

    Raises:
        BakewellError: a live run holds it, pulumi can't make the stack, or a cloud can't be looked at.
    """
    holders = list(_holders(project.locks(stack)))
    if holders:
        if any(holders):
            pids = ", ".join(str(pid) for pid in holders if pid)
            raise BakewellError(
                f"another pulumi works on stack {stack} (process {pids})", remedy="wait for it, or end it"
            )
        say("pulumi", f"stack {stack} was left locked by a run that is gone: unlocking it")
        _quiet(["pulumi", "cancel", "--yes", "--stack", stack], environment, project.root)
    pending.settle(stack, project, environment, lambda command: _quiet(command, environment, project.root))
    if not project.stack_file(stack).is_file():
        say("pulumi", f"making stack {stack}")
        _quiet(["pulumi", "stack", "select", "--create", stack, "--non-interactive"], environment, project.root)


def refresh(stack: str, project: Project, environment: Mapping[str, str]) -> None:
    """Have the stack forget what is not there any more. Raises BakewellError where pulumi fails."""
    say("pulumi", f"stack {stack} may know things that are gone: looking")
    _quiet(
        ["pulumi", "refresh", "--yes", "--skip-preview", "--stack", stack, "--non-interactive"],
        environment,
        project.root,
    )


def destroy(stack: str, project: Project, environment: Mapping[str, str]) -> None:
    """Delete all that the stack has. Raises BakewellError where pulumi fails."""
    words = ["--yes", "--skip-preview", "--stack", stack, "--non-interactive"]
    _quiet(["pulumi", "destroy", *words], environment, project.root)


def machines(project: Project, environment: Mapping[str, str]) -> list[tuple[str, Machine]]:
    """The stack's machines with their names: those in its outputs, and those that its fleets have now."""
    outputs = json.loads(
        _quiet(["pulumi", "stack", "output", "--json", "--non-interactive"], environment, project.root)
    )
    found = list(TypeAdapter(dict[str, Machine]).validate_python(outputs.get("machines", {})).items())
    for role, fleet in outputs.get("fleets", {}).items():
        told = json.loads(_quiet(["bakewell", "fleet", "--group", fleet["group"]], environment, project.root))[
            "machines"
        ]
        found += [(names.of("aws", role), one) for one in TypeAdapter(list[Machine]).validate_python(told)]
    return found


def row(name: str, machine: Machine, status: str) -> str:
    """One line on a machine: name, address, where it answers and with which status, when it was ready."""
    ready = "" if machine.ready_seconds is None else f"ready after {machine.ready_seconds:g} s"
    return f"{name:<24} {machine.address:<16} {machine.url or '-':<38} {status or '-':<4} {ready}".rstrip()


def http_status(url: str, until: float) -> str:
    """The status of a GET, asked again until it is 200 or `until` (monotonic seconds) has passed; or what is wrong."""
    while True:
        try:
            with OPENER.open(url, timeout=5) as answer:
                status = str(answer.status)
        except urllib.error.HTTPError as error:
            status = str(error.code)
        except (urllib.error.URLError, OSError) as error:
            status = f"no answer ({getattr(error, 'reason', error)})"
        if status == "200" or time.monotonic() > until:
            return status
        time.sleep(0.5)


def _holders(locks: Path) -> Iterator[int]:
    """For each lock: the process that holds it, or 0 where that is gone."""
    for file in locks.glob("*.json") if locks.is_dir() else ():
        try:
            holder = json.loads(file.read_text())
        except FileNotFoundError:
            continue  # released meanwhile
        pid = int(holder["pid"])
        process = find(pid)
        here = holder["hostname"] == socket.gethostname()
        alive = not here or (process is not None and process.name().startswith("pulumi"))
        yield pid if alive else 0


def _quiet(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BakewellError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextmanager
def _handling(handler: signal._HANDLER) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def full(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `environment` over it."""
    return {**os.environ, **environment}


def colour() -> str:
    """What `--color` is to be: pulumi's own guess is wrong behind a pipe of ours, so it is told."""
    return "always" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "never"
