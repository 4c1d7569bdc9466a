"""An image on Debian 13, whose cloud-init has other units than Debian 12's: baked with the shared steps, and booted."""

from __future__ import annotations

import json
from pathlib import Path

from bakewell_local.sandbox.machines import base_image
from tests.e2e.docker.conftest import Engine, container
from tests.e2e.workspace import PROJECT, Workspace
from tests.waiting import until

IMAGE = """\
description = "Debian 13 with the shared steps"
base = "debian-13"

[versions]
nginx = "1.26.*"
prometheus-node-exporter = "1.9.*"

[boot]
services = ["nginx.service", "told.service"]
health = { port = 80, path = "/" }
"""
DEPLOY = """\
from pyinfra import host
from pyinfra.operations import files
from steps import cloud_init, core, fetch, hardening, monitoring, nginx, script, updates

core.tools()
hardening.harden()
updates.daily()
monitoring.node_exporter(version=host.data.versions["prometheus-node-exporter"])
nginx.serve(version=host.data.versions["nginx"], port=80)
script.run("files/unit.sh", env={"UNIT": "told.service"})
fetch.file("/etc/debian_version")
cloud_init.tune()
"""
SCRIPT = """\
#!/bin/bash
set -eu
echo "a unit that needs a file of user_data: $UNIT"
echo hello > /var/www/html/index.html
cat > /etc/systemd/system/$UNIT <<UNIT
[Unit]
After=cloud-init.service cloud-init-network.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/test -e /etc/told
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable $UNIT
"""
TOLD = "#cloud-config\nwrite_files: [{path: /etc/told, content: told}]\n"


def test_the_shared_steps_bake_an_image_that_boots_and_is_told(workspace: Workspace, engine: Engine, name: str) -> None:
    files = {"image.toml": IMAGE, "deploy.py": DEPLOY, "files/unit.sh": SCRIPT}
    files["checks.py"] = "def test_it(host):\n    assert host.system_info.release.startswith('13')\n"
    for path, text in files.items():
        workspace.write(f"packer/images/next/{path}", text)
    for path in ("packer/before.py", "packer/after.py"):
        workspace.write(path, (PROJECT / path).read_text())
    base = base_image.ensure(print, base_image.DEBIAN_13)
    workspace.bakewell("lock", "debian-13", "--cloud", "docker", "--image", base)
    done = workspace.bakewell("build", "next", "--json")
    log = Path(done.stderr.partition(", log: ")[2].splitlines()[0])
    assert "files/unit.sh: a unit that needs a file of user_data: told.service" in log.read_text(), log.read_text()
    [image] = [json.loads(done.stdout)] if done.stdout.startswith("{") else json.loads(done.stdout)
    assert (log.with_suffix(".fetched") / "etc/debian_version").read_text().startswith("13")

    booted = container(name, "--image", image["id"], told=TOLD)
    assert booted.returncode == 0, booted.stderr
    box = engine.client.containers.get(json.loads(booted.stdout)["id"])

    def run(command: str) -> str:
        return str(box.exec_run(["sh", "-c", command]).output.decode())

    until(lambda: run("cat /run/bakewell/ready 2> /dev/null"), what="it is not ready")
    assert run("cat /etc/told") == "told"
    assert run("systemctl is-failed told.service bakewell-ready.service nginx.service").split() == ["active"] * 3
    assert run("systemctl cat cloud-init-network.service | grep -c bakewell").strip() == "0", (
        "its own units are left alone"
    )
    assert "status: done" in run("cloud-init status --wait")
    assert run("ls /etc/ssh/ssh_host_ed25519_key").strip() == "/etc/ssh/ssh_host_ed25519_key"
