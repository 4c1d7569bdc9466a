"""Fingerprinting 10,000 files of 1 GB in all, against `sha256sum` over the same files."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.fingerprint import fingerprints
from bench.clone import Clone
from bench.measure import Comparison, pairs

FILES = 10_000
BYTES = 100_000


def against_sha256sum(folder: Path, environment: dict[str, str], count: int = 5) -> Comparison:
    """Both read from the page cache after a first, uncounted round."""
    clone = Clone(folder / "fingerprints", environment, "bench-fingerprints")
    clone.image("base")
    packer = clone.root / "packer"
    files = packer / "images" / "base" / "files"
    for number in range(FILES):
        path = files / f"{number % 100:02}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(BYTES))
    names = b"\0".join(str(path).encode() for path in files.rglob("*.bin"))

    def ours() -> None:
        catalog = Catalog.load(packer, max_context_mb=2000)
        fingerprints(catalog, "digitalocean", Bases.load(packer / "bases.lock"), now=datetime.now(UTC))

    def theirs() -> None:
        subprocess.run(["xargs", "-0", "sha256sum"], input=names, stdout=subprocess.DEVNULL, check=True)

    a, b = pairs(ours, theirs, count)
    return Comparison("fingerprint of 10,000 files, 1 GB / `sha256sum`", 1.2, a, b, "make bench ARGS=fingerprints")
