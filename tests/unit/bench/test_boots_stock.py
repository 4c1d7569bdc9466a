"""The stock machine's user_data: the same contexts as a build's, unsealed, within what a cloud takes."""

from __future__ import annotations

import base64
import io
import json
import lzma
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bench.boots.stock import FOLDER, pack, unsealed, user_data

BAKED = (
    '#cloud-config\n{"bootcmd": [["true"]], "write_files": [{"path": "/etc/bakewell/machine.json", "content": "{}"}]}'
)


def context(folder: Path, role: str) -> Path:
    root = folder / role
    (root / "steps" / "seal").mkdir(parents=True)
    (root / "after.py").write_text(f"from steps import seal\n\nprint('{role}')\nseal.seal()\n")
    (root / "image.toml").write_text("")
    for name in ("build.pkr.hcl", "provision.py", "checks.py", "steps/seal/checks.py"):
        (root / name).write_text("not for a deploy")
    program = root / "steps" / "seal" / "program.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def unpacked(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(archive))) as tar:
        return {entry.name: entry for entry in tar}


def document(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text.removeprefix("#cloud-config\n"))
    return loaded


def test_what_a_deploy_reads_goes_along_and_nothing_else(tmp_path: Path) -> None:
    found = unpacked(pack([context(tmp_path, "base"), context(tmp_path, "web")]))
    of_each = {"after.py", "image.toml", "steps/seal/program.sh"}
    assert set(found) == {f"{role}/{name}" for role in ("base", "web") for name in of_each}
    assert found["web/steps/seal/program.sh"].mode == 0o755


def test_only_sealing_is_taken_out_of_a_deploy_and_it_must_end_by_it() -> None:
    assert unsealed("a()\nseal.seal()\n") == "a()\n"
    with pytest.raises(ValueError, match="sealing"):
        unsealed("seal.seal()\na()\n")


def test_it_writes_the_files_of_the_baked_machine_and_runs_parents_first(tmp_path: Path) -> None:
    contexts = [context(tmp_path, "base"), context(tmp_path, "web")]
    told = document(user_data(BAKED, contexts, ["nginx.service", "bakewell-ready.service"], "PEM"))
    files = {file["path"]: file["content"] for file in told["write_files"]}
    assert files["/etc/bakewell/machine.json"] == "{}"
    script = files[f"{FOLDER}/install.sh"]
    assert "for role in base web;" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert script.rstrip().endswith("systemctl start --no-block nginx.service bakewell-ready.service")
    assert base64.b64decode(files[f"{FOLDER}/contexts.tar.xz"]) == pack(contexts)
    # Its units don't exist yet when bootcmd runs.
    assert set(told) == {"write_files", "runcmd"}


def test_more_than_a_cloud_takes_is_refused(tmp_path: Path) -> None:
    root = context(tmp_path, "web")
    (root / "files.bin").write_bytes(os.urandom(60_000))
    with pytest.raises(ValueError, match="bytes, and a cloud takes 65536"):
        user_data(BAKED, [root], ["nginx.service"], "")
