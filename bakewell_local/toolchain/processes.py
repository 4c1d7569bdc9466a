"""Ending processes that are not our children: they may stay in the table as zombies where nobody reaps them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil


def alive(process: psutil.Process) -> bool:
    """True while it runs; a zombie (in a container without an init, say) has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def find(pid: int) -> psutil.Process | None:
    """The process with this ID, if it is alive."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if alive(process) else None


def end(processes: Sequence[psutil.Process], seconds: float, *, force: bool = True) -> list[psutil.Process]:
    """Ask each to end and wait; after `seconds` kill what is left, if `force`. Gives those that still run."""
    for process in processes:
        _signal(process, kill=False)
    left = _wait(processes, seconds)
    if left and force:
        for process in left:
            _signal(process, kill=True)
        left = _wait(left, 5)
    return left


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    until = time.monotonic() + seconds
    while (left := [process for process in processes if alive(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left
