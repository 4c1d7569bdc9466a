"""The stacks' files as pulumi writes them: what is set and taken out again leaves no trace."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bakewell_local.sandbox.local_cloud import PASSPHRASE
from bakewell_local.toolchain.folders import ROOT
from tests.providers.stack import environment


def test_a_pin_that_is_taken_out_leaves_each_stacks_file_as_it_was(tmp_path: Path, pulumi_home: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "stacks").mkdir()
    for file in ROOT.glob("Pulumi.*.yaml"):
        shutil.copy(file, tmp_path)
        stack = file.name.split(".")[1]
        variables = environment(tmp_path, pulumi_home) | {"PULUMI_STACK": stack, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}

        def pulumi(*words: str, variables: dict[str, str] = variables) -> None:
            command = ["pulumi", *words, "--non-interactive"]
            subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True)

        pulumi("stack", "select", "--create", stack)
        pins = [f"--plaintext=bakewell:pins.{role}=shop-{role}-1" for role in ("web", "api")]
        pulumi("config", "set-all", "--path", *pins)
        assert "shop-web-1" in (tmp_path / file.name).read_text()
        pulumi("config", "rm", "bakewell:pins")
        assert (tmp_path / file.name).read_text() == file.read_text(), "this is not how pulumi writes it"
