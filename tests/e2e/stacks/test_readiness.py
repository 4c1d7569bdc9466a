"""Machines are ready before `up` goes on, or it fails and the machines of before stay; members leave their cluster.

On small images, whose readiness unit and Consul are a few lines of shell: what real ones say is tested with the fleet.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.e2e.workspace import Workspace

UNIT = """[Unit]
After=cloud-init.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={start}
[Install]
WantedBy=multi-user.target
"""
GOOD = "mkdir -p /run/bakewell && echo 2.50 > /run/bakewell/ready"
BAD = "mkdir -p /run/bakewell && echo bakewell-ready.service: no luck > /run/bakewell/waiting; echo out of luck; exit 1"
CONSUL = """[Unit]
After=cloud-init.service
ConditionPathExists=/etc/consul.d/cluster.json
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/touch /run/left
[Install]
WantedBy=multi-user.target
"""
DEPLOY = """from io import StringIO
from pyinfra.operations import files, systemd
for name, unit in {units!r}.items():
    files.put(src=StringIO(unit), dest="/etc/systemd/system/" + name)
    systemd.service(service=name, running=None, enabled=True)
"""
LOGIN = {"ssh_keys": ["local-cloud"]}
LARGER = "s-1vcpu-2gb"


def image(workspace: Workspace, role: str, ready: str, consul: str = "") -> None:
    """Write an image of the catalog whose machines say `ready`."""
    units = {"bakewell-ready.service": UNIT.format(start=f"/bin/sh -c '{ready}'"), "consul.service": CONSUL}
    workspace.write(f"packer/images/{role}/image.toml", f'description="{role}"\nbase="debian-12"\n[consul]\n{consul}')
    workspace.write(f"packer/images/{role}/deploy.py", DEPLOY.format(units=units))
    check = "def test_it(host):\n    assert host.service('consul').is_enabled\n"
    workspace.write(f"packer/images/{role}/checks.py", check)


@pytest.fixture
def fleet(workspace: Workspace) -> Workspace:
    """A Consul server and a client."""
    image(workspace, "server", GOOD, 'mode = "server"\n')
    image(workspace, "web", GOOD)
    workspace.configure(roles=["server", "web"], digitalocean={"droplets": {"server": LOGIN, "web": LOGIN}})
    return workspace


def test_machines_become_ready_move_and_stay(fleet: Workspace, cloud: CloudView) -> None:
    fleet.up()
    machines = fleet.outputs()["machines"]
    assert {name: machine["ready_seconds"] for name, machine in machines.items()} == {
        "digitalocean-server-1": 2.5,
        "digitalocean-web-1": 2.5,
    }
    preview = fleet.preview()
    assert preview.quiet, preview.ops

    # What they were told: the server's address outlives it.
    key = Path(fleet.env["BAKEWELL_SSH_KEY"])
    web = Machine(machines["digitalocean-web-1"]["address"], key)
    told = json.loads(web.run("cat /etc/consul.d/cluster.json"))
    (address,) = told["retry_join"]
    assert address not in {machine["address"] for machine in machines.values()}
    assert web.run("cat /etc/bakewell/machine.json") == '{"role":"web"}\n'
    assert web.run("systemctl is-active consul").strip() == "active"
    assert Machine(address, key).run("cat /etc/bakewell/machine.json") == '{"role":"server"}\n'

    # Another size is another droplet, which is there before the old one goes: in place it would be powered off.
    fleet.configure(digitalocean={"droplets": {"server": {**LOGIN, "size": LARGER}, "web": LOGIN}})
    preview = fleet.preview("--show-replacement-steps")
    steps = [step["op"] for step in preview.document["steps"] if step["urn"].endswith("Droplet::digitalocean-server-1")]
    assert steps.index("create-replacement") < steps.index("delete-replaced"), steps
    assert preview.ops["digitalocean-server-1-ready"] == "replace" and "digitalocean-web-1" not in preview.ops

    # A new server: nobody else is touched, and the old one leaves before it goes.
    image(fleet, "server", GOOD + " # again", 'mode = "server"\n')
    preview = fleet.preview()
    assert "digitalocean-web-1" not in preview.ops and "digitalocean-server-1-address" not in preview.ops
    log = fleet.up().stdout
    assert "server-1 | left the Consul cluster" in log
    server = Machine(address, key)
    assert server.run("grep -c again /etc/systemd/system/bakewell-ready.service").strip() == "1"
    assert fleet.outputs()["machines"]["digitalocean-web-1"] == machines["digitalocean-web-1"]
    assert sorted(droplet["size_slug"] for droplet in cloud.droplets(fleet.project)) == ["s-1vcpu-1gb", LARGER]
    assert fleet.preview().quiet

    # One that never gets ready: `up` says why, and what it was to replace runs on.
    image(fleet, "web", BAD)
    failed = fleet.up(check=False)
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    for word in ("machine digitalocean-web-1", "bakewell-ready.service: no luck", "out of luck"):
        assert word in said, said
    assert "remedy: " in said
    assert web.run("systemctl is-active consul").strip() == "active"

    # The next `up` finishes what that one began, with the image of before.
    image(fleet, "web", GOOD)
    assert "web-1 | left the Consul cluster" in fleet.up().stdout
    assert fleet.preview().quiet
    assert len(cloud.droplets(fleet.project)) == 2

    _survives_a_rename(fleet)

    fleet.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.droplets(fleet.project) == []


def _survives_a_rename(fleet: Workspace) -> None:
    """A stack whose state is of before, when Commands were given its name, is renamed; nobody notices."""
    exported = json.loads(fleet.run("pulumi", "stack", "export").stdout)
    given = 0
    for resource in exported["deployment"]["resources"]:
        for values in (resource.get("inputs", {}), resource.get("outputs", {})):
            if resource["type"] == "command:local:Command":
                values["environment"]["BAKEWELL_STACK"] = fleet.stack
                given += 1
    assert given >= 11
    old = fleet.root.parent / "old-state.json"
    old.write_text(json.dumps(exported))
    fleet.run("pulumi", "stack", "import", "--file", str(old))
    preview = fleet.preview()
    assert preview.quiet, preview.ops

    fleet.rename("renamed")
    preview = fleet.preview()
    assert preview.quiet, preview.ops

    # The commands of an `up` find its config, by the new name and in another folder.
    fleet.configure(keep=2)
    (fleet.root / "stacks").mkdir()
    (fleet.root / "Pulumi.renamed.yaml").rename(fleet.root / "stacks" / "Pulumi.renamed.yaml")
    fleet.write("Pulumi.yaml", (fleet.root / "Pulumi.yaml").read_text() + "stackConfigDir: stacks\n")
    assert fleet.preview().ops == {"digitalocean-retention": "replace"}
    fleet.up()
    preview = fleet.preview()
    assert preview.quiet, preview.ops
    fleet.bakewell("list")
