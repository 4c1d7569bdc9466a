"""Templates of Packer, imported, baked and booted: HCL2 with a script, JSON with inline commands, Ansible."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.e2e.booted import booted, lets_in
from tests.e2e.cloud import CloudView
from tests.e2e.conftest import MakeWorkspace
from tests.e2e.machine import Machine
from tests.e2e.workspace import PROJECT
from tests.waiting import eventually

TEMPLATES = Path(__file__).parents[1] / "templates"
MADE = {
    "services": ("cat /srv/app/release /etc/app.conf", "1.4.2\nworkers = 2"),
    "legacy": ("cat /etc/motd && ls -d /opt/legacy", "baked by JSON\n/opt/legacy"),
    "played": ("cat /etc/greeting", "hello from Ansible"),
}


def test_imported_templates_bake_and_boot(clone: MakeWorkspace, cloud: CloudView) -> None:
    one = clone()
    shutil.rmtree(one.root / "packer" / "images")
    (one.root / "packer" / "images").mkdir()
    for name in ("before.py", "after.py"):  # a role without checks of its own has those of identity and sealing
        shutil.copy(PROJECT / "packer" / name, one.root / "packer")
    templates = sorted(str(path) for path in TEMPLATES.iterdir() if path.is_file())
    said = one.bakewell("import", "templates", *templates)
    assert "TODO" not in "".join(path.read_text() for path in one.root.glob("packer/images/*/image.toml")), said.stderr
    one.configure(digitalocean={})
    assert one.bakewell("validate", *MADE).returncode == 0

    built = one.bakewell("build", *MADE)
    lines = built.stderr.splitlines()
    assert [line for line in lines if "install.sh" in line and line.endswith("installing 1.4.2")], built.stderr
    images = {row["role"]: row["id"] for row in json.loads(one.bakewell("list", "--json").stdout)}
    key = Path(one.env["BAKEWELL_SSH_KEY"])
    with ExitStack() as machines:
        for role, (command, wanted) in MADE.items():
            machine = Machine(machines.enter_context(booted(cloud, images[role], role)), key)
            eventually(f"{role} lets us in", partial(lets_in, machine))
            assert machine.run(command).strip() == wanted
