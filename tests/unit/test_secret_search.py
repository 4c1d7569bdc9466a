"""packer/secret_search.py's script for the machine, in a shell of this host whose mounts and grep are stand-ins."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pytest

SCRIPT: str = runpy.run_path(str(Path(__file__).parents[2] / "packer" / "secret_search.py"))["_SEARCH"]


@pytest.mark.parametrize(
    ("grep", "fails"),
    [("exit 1", False), ("exit 2", False), ("exit 3", True), ("kill -9 $$", True)],
    ids=["nothing found", "a file that is gone", "a fault", "killed"],
)
def test_a_search_that_is_cut_off_is_none(tmp_path: Path, grep: str, fails: bool) -> None:
    place = tmp_path / "place"
    programs = {"mount": "true", "umount": "true", "grep": grep, "mktemp": f"mkdir -p {place}; echo {place}"}
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", SCRIPT], input=b"secret\n", env={"PATH": path}, capture_output=True, check=False)
    assert (done.returncode != 0) is fails, done.stderr
    assert fails or list(tmp_path.glob("place*")) == []
