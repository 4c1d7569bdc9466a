"""A second deploy changes nothing: every real image, booted, is provisioned again by its own deploy.py.

That is more than running it twice in the builder: what a boot does to an image is in it too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bakewell.catalog import Catalog
from tests.e2e.booted import booted, lets_in
from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.e2e.workspace import EVERY_ROLE, PROJECT, Workspace
from tests.waiting import eventually

ROLES = sorted(spec.role for spec in Catalog.load(PROJECT / "packer"))
UNSEALED = ["Seal | Remove what belongs to this machine and this build"]
"""A machine that has booted has host keys, an ID, logs, and the key that lets this test in."""


@dataclass(frozen=True)
class Baked:
    """A clone, and what its images are: `bakewell build --json`, by role."""

    workspace: Workspace
    images: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory, mirrored: Mapping[str, str]) -> Baked:
    """Every image, built; adopted where test_fleet, which shares project and cloud, has built them."""
    root = tmp_path_factory.mktemp("steps") / "clone"
    workspace = Workspace.make(root, mirrored, EVERY_ROLE, real_images=True)
    built = json.loads(workspace.bakewell("build", "all", "--json").stdout)
    return Baked(workspace, {image["role"]: image for image in built})


@pytest.mark.parametrize("role", ROLES)
def test_a_second_deploy_changes_nothing(role: str, baked: Baked, cloud: CloudView, tmp_path: Path) -> None:
    image, context = baked.images[role], tmp_path / "context"
    baked.workspace.bakewell("stage", role, str(context))
    key = Path(baked.workspace.env["BAKEWELL_SSH_KEY"])
    with booted(cloud, image["id"], f"again-{role}") as address:
        eventually(f"{role} lets us in", lambda: lets_in(Machine(address, key)))
        operations = deploy(context, role, image["name"], address, key)
    assert len(operations) > len(UNSEALED)
    assert [one["name"] for one in operations if one["success"] or one["error"]] == UNSEALED


def deploy(context: Path, role: str, image: str, address: str, key: Path) -> list[dict[str, Any]]:
    """Run deploy.py on a machine.

    Returns:
        Its operations in order; each has the machine under "success" (it changed something), "no_change" or "error".
    """
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", "--json", "inventory.py", "deploy.py"],
        cwd=context,
        env={"BUILD_ROLE": role, "BUILD_IMAGE": image, "BUILD_HOST": address, "BUILD_KEY_FILE": str(key)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]["operations"]
    return found
