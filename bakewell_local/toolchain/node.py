"""What a program in TypeScript needs: the packages that its package-lock.json names, installed once into the cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from bakewell.errors import BakewellError
from bakewell_local.toolchain.folders import alone, cache, whole
from bakewell_local.toolchain.progress import Task

MANIFESTS = ("package.json", "package-lock.json")


def packages(project: Path) -> Path:
    """The folder node_modules for a project, installed by npm if need be. No script of a package is run.

    Raises:
        BakewellError: there is no npm on PATH, or it fails.
    """
    digest = hashlib.sha256(b"\n".join((project / name).read_bytes() for name in MANIFESTS))
    home = cache() / "toolchain" / "node" / digest.hexdigest()[:12]
    with alone(home.parent / "lock", "node", "installing"):
        if not home.is_dir():
            with whole(home) as new, Task("node", f"installing what {MANIFESTS[1]} names"):
                _install(project, new)
    return home / "node_modules"


def _install(project: Path, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BakewellError(
            "there is no npm on PATH", file=project / MANIFESTS[1], remedy="install Node.js 20 or newer"
        )
    folder.mkdir(parents=True)
    for name in MANIFESTS:
        shutil.copy(project / name, folder)
    words = ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    done = subprocess.run([npm, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise BakewellError(
            f"npm ci failed: {done.stderr.strip() or done.stdout.strip()}",
            file=project / MANIFESTS[1],
            remedy="see what npm says above, then run this again",
        )
