"""A second deploy changes nothing: every real image, booted, is provisioned again by its own deploy.py.

That is more than running it twice in the builder: what a boot does to an image is in it too, and with the fleet's
machines what weeks of use would. This is the last that is done with them: a second deploy seals them, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bakewell.catalog import Catalog
from bakewell.catalog.programs import DEPLOYS
from tests.e2e.booted import booted, lets_in
from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.e2e.stacks.conftest import Fleet
from tests.e2e.workspace import PROJECT
from tests.waiting import eventually

ROLES = sorted(spec.role for spec in Catalog.load(PROJECT / "packer"))
UNSEALED = ["Seal | Remove what belongs to this machine and this build"]
"""A machine that has booted has host keys, an ID, logs, and the key that lets this test in."""
RENDERED = {
    "landing": ["Put /var/www/html/index.html"],
    "web-node": ["Have nobody to ask so far"],
}
"""What the cluster has told a machine of the fleet, in files whose first contents are the image's."""


@contextmanager
def machine(role: str, fleet: Fleet, cloud: CloudView) -> Iterator[tuple[Machine, str]]:
    """A machine of the role, and its image's name: the fleet's first, or for an image that is only a parent its own."""
    image = fleet.workspace.image(role)
    if f"{role}-1" in fleet.outputs:
        yield fleet.machine(f"{role}-1"), image["name"]
        return
    key = Path(fleet.workspace.env["BAKEWELL_SSH_KEY"])
    with booted(cloud, image["ids"]["nyc3"], f"again-{role}") as address:
        made = Machine(address, key)
        eventually(f"{role} lets us in", lambda: lets_in(made))
        yield made, image["name"]


@pytest.mark.parametrize("role", ROLES)
def test_a_second_deploy_changes_nothing(role: str, fleet: Fleet, cloud: CloudView, tmp_path: Path) -> None:
    context = tmp_path / "context"
    fleet.workspace.bakewell("stage", role, str(context))
    with machine(role, fleet, cloud) as (one, image):
        operations = deploy(context, role, image, one)
    assert len(operations) > len(UNSEALED)
    changed = [each["name"] for each in operations if each["success"] or each["error"]]
    assert changed == [*RENDERED.get(role, []), *UNSEALED]


def deploy(context: Path, role: str, image: str, machine: Machine) -> list[dict[str, Any]]:
    """Run deploy.py on a machine.

    Returns:
        Its operations in order; each has the machine under "success" (it changed something), "no_change" or "error".
    """
    where = {"BUILD_HOST": machine.address, "BUILD_KEY_FILE": str(machine.key)}
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", "--json", "inventory.py", *DEPLOYS],
        cwd=context,
        env={"BUILD_ROLE": role, "BUILD_IMAGE": image, **where},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]["operations"]
    return found
