"""`make bench ARGS="processors COMMAND…"`: which kinds of processes take the processors while a command runs.

The kernel's process accounting (acct(2): Linux, root) writes down each process as it ends; command lines are looked at
while processes run, four times a second. A process that is too short for that counts with the one that started it. What
runs in machines and in the Docker Engine is counted, although the command only has it started; so is whatever else runs
on this computer, for which reason nothing should.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# struct acct_v3 of linux/acct.h.
_RECORD = struct.Struct("<BBHIIIIIIfHHHHHHHH16s")
_TICKS = 100
_SECONDS_BETWEEN_LOOKS = 0.25
KINDS = {
    "compiling": r"^(go|compile|link|asm) ",
    "machines: cloud-init": r"^cloud-init ",
    "machines: the rest": r"^(systemd|containerd-shim\S*) ",
    "PyInfra": r"provision\.py|-m pyinfra",
    "Packer and its plugins": r"^packer",
    "provider plugins": r"bakewell_local\.sandbox\.providers|pulumi-resource",
    "local cloud's servers": r"-m bakewell_local\.sandbox\.(aws|digitalocean)|^nginx ",
    "Docker Engine": r"^(dockerd|containerd|runc|exe) ",
    "pulumi": r"^pulumi ",
    "Pulumi's programs": r"pulumi-language-python-exec",
    "Pulumi's language host": r"^pulumi-language|-m pip list",
    "bakewell": r"/bakewell |-m bakewell|supervisor\.py",
    "pytest": r"pytest|exec\(eval\(sys\.stdin",
    "Python's packages": r"^(uv|pip) |ensurepip",
}
"""Kinds of processes, each with what it is known by: a pattern in the process's name and command line. The first that
fits counts; where none does, that of the process that started it.
"""


@dataclass(slots=True)
class Process:
    """One process.

    Attributes:
        words: its name and command line; without the latter where it was too short to be looked at.
        begun: seconds since the epoch.
        seconds: of a processor.
    """

    pid: int
    parent: int
    words: str
    begun: float
    seconds: float


def main(command: list[str]) -> int:
    """Run the command and print a table; the exit status is the command's."""
    with tempfile.TemporaryDirectory(prefix="bakewell-bench-") as folder:
        file = Path(folder) / "acct"
        before = psutil.cpu_times()
        begin = time.monotonic()
        with _looking() as seen, _accounting(file):
            status = subprocess.run(command, check=False).returncode
        wall = time.monotonic() - begin
        idle = psutil.cpu_times().idle - before.idle
        costs = kinds(list(_records(file, seen)))
    total = sum(seconds for seconds, _ in costs.values())
    print("\n| kind of process | processor seconds | share | processes |\n|---|---|---|---|")
    for kind, (seconds, count) in sorted(costs.items(), key=lambda item: -item[1][0]):
        print(f"| {kind} | {seconds:.0f} | {seconds / total:.0%} | {count} |")
    print(f"\n{wall:.0f} s by the clock, {total:.0f} s of processors; {idle:.0f} s of them idle.")
    return status


def kinds(processes: list[Process]) -> dict[str, tuple[float, int]]:
    """Seconds of processors and number of processes, by kind."""
    by_pid: dict[int, list[Process]] = {}
    for process in processes:
        by_pid.setdefault(process.pid, []).append(process)

    def kind(process: Process | None, further: int = 20) -> str:
        if process is None or not further:
            return "other"
        for name, pattern in KINDS.items():
            if re.search(pattern, process.words):
                return name
        before = [one for one in by_pid.get(process.parent, ()) if one.begun <= process.begun + 1]
        return kind(max(before, key=lambda one: one.begun, default=None), further - 1)

    seconds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for process in processes:
        name = kind(process)
        seconds[name] += process.seconds  # type: ignore[assignment]  # a Counter of floats
        counts[name] += 1
    return {name: (float(seconds[name]), counts[name]) for name in counts}


@contextmanager
def _accounting(file: Path) -> Iterator[None]:
    """The kernel's process accounting, into a file."""
    libc = ctypes.CDLL(None, use_errno=True)
    file.touch()
    if libc.acct(os.fsencode(file)) != 0:
        raise OSError(ctypes.get_errno(), "acct(2): process accounting needs Linux and root")
    try:
        yield
    finally:
        libc.acct(None)


@contextmanager
def _looking() -> Iterator[dict[int, list[Process]]]:
    """Processes by PID as they are seen meanwhile, with their command lines."""
    seen: dict[int, list[Process]] = {}
    over = threading.Event()
    ticks = os.sysconf("SC_CLK_TCK")
    booted = psutil.boot_time()

    def look() -> None:
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                name, fields = re.findall(r"\((.*)\) (.*)", (folder / "stat").read_text())[0]
                _, parent, *_, user, system = fields.split()[:13]
                pid, begun = int(folder.name), booted + int(fields.split()[19]) / ticks
                known = seen.setdefault(pid, [])
                if not known or known[-1].begun != begun:
                    known.append(Process(pid, int(parent), "", begun, 0.0))
                if not known[-1].words.startswith(f"{name} "):
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    known[-1].words = f"{name} {line}"
                known[-1].seconds = (int(user) + int(system)) / ticks

    def look_on() -> None:
        while not over.wait(_SECONDS_BETWEEN_LOOKS):
            look()

    look()
    before = [(one, one.seconds) for some in seen.values() for one in some]
    thread = threading.Thread(target=look_on, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        for one, seconds in before:  # what it took until then was for others
            one.seconds -= seconds


def _records(file: Path, seen: dict[int, list[Process]]) -> Iterator[Process]:
    """Every process that has ended, and those seen that have not."""
    ended: set[int] = set()
    for fields in _RECORD.iter_unpack(file.read_bytes()[: -(file.stat().st_size % _RECORD.size) or None]):
        pid, parent, begun, user, system, name = fields[6], fields[7], fields[8], fields[10], fields[11], fields[18]
        near = [one for one in seen.get(pid, ()) if abs(one.begun - begun) < 3]
        looked = min(near, key=lambda one: abs(one.begun - begun), default=None)
        if looked is not None:
            ended.add(id(looked))
        words = looked.words if looked is not None else f"{name.partition(bytes(1))[0].decode(errors='replace')} "
        yield Process(pid, parent, words, float(begun), _seconds(user) + _seconds(system))
    for one in (one for some in seen.values() for one in some):
        if id(one) not in ended:
            yield one


def _seconds(packed: int) -> float:
    """A comp_t of linux/acct.h: 13 bits, and 3 of an exponent to the base 8; in ticks."""
    return float((packed & 0x1FFF) << (3 * (packed >> 13))) / _TICKS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
