"""`make bench [ARGS="NAME…"]`: measures, prints, and writes the table in docs/benchmarks.md when all were measured.

`boots` is a bench of its own, with its own table and arguments: see bench/boots/main.py; so is `processors COMMAND…`.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bakewell_local.cli import setup
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.tools import needed
from bench import builds, fingerprints, previews, processors
from bench.boots import main as boots
from bench.measure import HEADER, Comparison

DOC = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
Bench = Callable[[Path, dict[str, str]], Comparison]
BENCHES: dict[str, Bench] = {
    "packer": builds.against_packer,
    "preview-3": lambda folder, env: previews.unchanged(folder, env, 3),
    "preview-30": lambda folder, env: previews.unchanged(folder, env, 30),
    "preview-yaml-3": lambda folder, env: previews.unchanged(folder, env, 3, in_yaml=True),
    "fingerprints": fingerprints.against_sha256sum,
    "siblings": builds.siblings,
}


def main(names: list[str]) -> int:
    """Exit status 0 whatever the figures are: they are there to be read; 2 for a name that is none."""
    if names[:1] == ["boots"]:
        return boots.main(names[1:])
    if names[:1] == ["processors"]:
        return processors.main(names[1:])
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"bench: no bench called {', '.join(unknown)}\n  remedy: boots alone, or some of {', '.join(BENCHES)}")
        return 2
    setup.install(runtimes=["yaml"])
    rows = []
    with setup.own_folder() as clouds, tempfile.TemporaryDirectory(prefix="bakewell-bench-") as folder:
        cloud = LocalCloud(clouds / "bench", Builder().ensure(needed(["digitalocean"], ["yaml"])))
        try:
            cloud.start()
            cloud.install_providers()
            for name in names or BENCHES:
                print(f"bench: {name}", file=sys.stderr, flush=True)
                row = BENCHES[name](Path(folder), cloud.environment()).row()
                print(row, flush=True)
                rows.append(row)
        finally:
            cloud.destroy()
    if not names:
        _write(rows)
    return 0


def _write(rows: list[str]) -> None:
    before, _, rest = DOC.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    table = "\n".join([BEGIN, "", f"Measured on: {machine}.", "", HEADER, *rows, "", END])
    DOC.write_text(before + table + after)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
