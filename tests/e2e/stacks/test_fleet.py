"""The whole fleet on the real images: booted once, then used, broken, changed and mended, as operators do.

The tests share one stack and run in order; each leaves the fleet whole.
"""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
import yaml

from bakewell_local.sandbox.local_cloud import LocalCloud
from tests.e2e.cloud import CloudView
from tests.e2e.stacks.conftest import Fleet, short
from tests.e2e.workspace import EVERY_ROLE, PROJECT, Workspace
from tests.waiting import eventually

USER_DATA_LIMIT = 2048


def roles(workspace: Workspace) -> dict[str, int]:
    """How many machines of each role the stack's file asks for."""
    document = yaml.safe_load((workspace.root / "Pulumi.fleet.yaml").read_text())
    return {role: one.get("count", 1) for role, one in document["config"]["bakewell:digitalocean"]["droplets"].items()}


def test_every_role_boots_and_says_how_fast(fleet: Fleet) -> None:
    wanted = roles(fleet.workspace)
    assert wanted["consul-server"] == 3
    parents = {one.get("parent") for one in images().values()}
    assert set(wanted) == set(images()) - parents, "one of each role that is no other's parent"
    machines = fleet.outputs
    assert sorted(machines) == sorted(f"{role}-{n}" for role, count in wanted.items() for n in range(1, count + 1))
    for name, machine in machines.items():
        assert machine["ready_seconds"] > 0, name
        if machine["url"]:
            assert httpx.get(machine["url"], timeout=10).status_code == 200, name
    assert fleet.workspace.preview().quiet


def images() -> dict[str, dict[str, Any]]:
    """image.toml of every role."""
    import tomllib

    files = (PROJECT / "packer" / "images").glob("*/image.toml")
    return {file.parent.name: tomllib.loads(file.read_text()) for file in files}


def test_user_data_is_small_and_clean(fleet: Fleet) -> None:
    for name in fleet.outputs:
        machine = fleet.machine(name)
        text = machine.run("cat /var/lib/cloud/instance/user-data.txt")
        assert 0 < len(text.encode()) < USER_DATA_LIMIT, name
        assert fleet.workspace.env["DIGITALOCEAN_TOKEN"] not in text
        # cloud-init's own check of what it was given, on the machine that got it.
        said = machine.run("cloud-init schema --system 2>&1")
        assert "Valid" in said, f"{name}: {said}"
        assert machine.run("cloud-init status", check=False).split()[-1] == "done", name


def test_every_machine_has_joined_and_its_service_is_healthy(fleet: Fleet) -> None:
    members = fleet.members()
    assert len(members) == len(fleet.outputs)
    assert set(members.values()) == {"alive"}
    servers = fleet.machine("consul-server-1").ask_consul("operator/raft/configuration")["Servers"]
    assert [server["Voter"] for server in servers] == [True] * 3
    for role in set(roles(fleet.workspace)) - {"consul-server"}:
        eventually(f"{role} is healthy", lambda role=role: len(fleet.passing(role)) == 1)  # type: ignore[misc]


def test_the_proxy_finds_the_application(fleet: Fleet) -> None:
    proxy = fleet.outputs["web-node-1"]["address"]
    direct = httpx.get(f"http://{fleet.outputs['app-node-1']['address']}/", timeout=10)
    assert direct.status_code == 200

    def proxied() -> bool:
        answer = httpx.get(f"http://{proxy}/", timeout=10)
        return answer.status_code == 200 and answer.text == direct.text

    eventually("web-node passes on what app-node says", proxied)


def test_a_key_that_changes_is_rendered(fleet: Fleet) -> None:
    page = fleet.outputs["landing-1"]["url"]
    title = f"Rendered {time.time_ns()}"
    assert title not in httpx.get(page, timeout=10).text
    fleet.machine("consul-server-1").run(f"consul kv put landing/title '{title}'")
    eventually("the page has the new title", lambda: title in httpx.get(page, timeout=10).text)


def test_environment_comes_by_reference(fleet: Fleet) -> None:
    """A key below the role's prefix becomes a variable of its service, and is in no user_data."""
    fleet.machine("consul-server-1").run("consul kv put config/api/GREETING 'hello fleet'")
    machine = fleet.machine("api-1")
    command = "tr '\\0' '\\n' < /proc/$(systemctl show -p MainPID --value api.service)/environ | grep ^GREETING="
    eventually("the service runs with it", lambda: "GREETING=hello fleet" in machine.run(command, check=False))
    assert machine.run("stat -c %a /etc/bakewell/environment").strip() == "600"
    eventually("it answers again", lambda: fleet.passing("api") != [])


@pytest.mark.parametrize(
    ("name", "unit", "process"),
    [
        ("web-1", "nginx.service", "nginx: master"),
        ("api-1", "api.service", "service.py"),
        ("grafana-1", "docker-compose@grafana.service", ""),
        ("consul-server-2", "consul.service", "consul agent"),
    ],
)
def test_a_killed_service_is_restarted(fleet: Fleet, name: str, unit: str, process: str) -> None:
    machine = fleet.machine(name)
    url = fleet.outputs[name]["url"]
    before = machine.run(f"systemctl show -p ActiveEnterTimestampMonotonic --value {unit}").strip()
    if process:
        machine.run(f"kill -KILL $(systemctl show -p MainPID --value {unit})")
    else:  # the container itself, behind Compose's back
        machine.run("kill -KILL $(docker inspect -f '{{.State.Pid}}' $(docker ps -q))")

    def back() -> bool:
        if url:
            try:
                return httpx.get(url, timeout=5).status_code == 200
            except httpx.TransportError:
                return False
        return machine.run(f"systemctl is-active {unit}", check=False).strip() == "active"

    eventually(f"{unit} of {name} is back", back)
    if process:
        after = machine.run(f"systemctl show -p ActiveEnterTimestampMonotonic --value {unit}").strip()
        assert after != before
    eventually("the cluster is whole", lambda: set(fleet.members().values()) == {"alive"})


def test_a_backup_can_be_read_and_old_ones_go(fleet: Fleet) -> None:
    machine = fleet.machine("neo4j-1")
    for _ in range(2):
        machine.run("systemctl start backup-neo4j.service")
        time.sleep(1.1)  # backups are named by the second
    saved = machine.run("ls -1 /var/backups/neo4j").split()
    assert len(saved) == 2
    for name in saved:
        assert "data" in machine.run(f"tar -tzf /var/backups/neo4j/{name}") or name.endswith(".tar.gz")
    assert machine.run("systemctl is-enabled backup-neo4j.timer").strip() == "enabled"
    eventually("Neo4j answers again", lambda: httpx.get(fleet.outputs["neo4j-1"]["url"], timeout=10).is_success)


def test_a_failed_build_leaves_the_fleet_as_it_is(
    fleet: Fleet, cloud: CloudView, local_cloud: LocalCloud, tmp_path: Path
) -> None:
    """Five bad inputs, each in a clone of its own: it names the step and a remedy, and nothing that runs is touched."""
    before = {d["id"]: d["status"] for d in cloud.droplets(EVERY_ROLE)}
    snapshots = {s["id"] for s in cloud.snapshots(EVERY_ROLE)}
    downloads = Path(fleet.workspace.env["BAKEWELL_DOWNLOADS"])
    broken = tmp_path / "broken.toml"
    broken.write_text(downloads.read_text().replace(sha256_of(downloads, "consul"), "0" * 64))

    def refused(role: str, file: str, change: tuple[str, str], words: tuple[str, ...], env: dict[str, str]) -> None:
        clone = replace(fleet.workspace, root=Path(mkdtemp(dir=tmp_path)) / "clone")
        shutil.copytree(fleet.workspace.root, clone.root)
        path = clone.root / "packer/images" / role / file
        assert change[0] in path.read_text()
        path.write_text(path.read_text().replace(*change))
        done = clone.bakewell("build", role, check=False, env=env)
        said = done.stdout + done.stderr
        assert done.returncode != 0, said
        for word in (*words, "remedy"):
            assert word.lower() in said.lower(), f"{role}: no {word!r} in\n{said}"

    deploy = (PROJECT / "packer/images/node-base/deploy.py").read_text()
    before_consul = deploy[deploy.index("core.tools()") : deploy.index("consul.agent(")]
    toml, forged = "image.toml", {"BAKEWELL_DOWNLOADS": str(broken)}
    cases: list[tuple[str, str, tuple[str, str], tuple[str, ...], dict[str, str]]] = [
        ("node-base", "deploy.py", (before_consul, ""), ("Install Consul", "checksum"), forged),
        ("grafana", "templates/compose.yaml.j2", ("services:", "servicez:"), ("compose", "compose.yaml"), {}),
        ("node-base", toml, ("1.17.1", "1.17.9"), ("consul 1.17.9", "under [versions]"), {}),
        ("web", toml, ('"1.22.1-*"', '"9.9.9"'), ("Install nginx", "9.9.9"), {}),
    ]
    with ThreadPoolExecutor() as pool:
        for begun in [pool.submit(refused, *case) for case in cases]:
            begun.result()

    local_cloud.stop_mirror()
    try:
        refused("node-base", "deploy.py", (before_consul, ""), ("Install Consul", "releases.hashicorp.com"), {})
    finally:
        local_cloud.start_mirror()

    assert cloud.builders_left(EVERY_ROLE) == []
    assert {d["id"]: d["status"] for d in cloud.droplets(EVERY_ROLE)} == before
    assert {s["id"] for s in cloud.snapshots(EVERY_ROLE)} == snapshots
    assert fleet.workspace.preview().quiet


def sha256_of(downloads: Path, name: str) -> str:
    """A digest in the mirror's file."""
    import tomllib

    (versions,) = tomllib.loads(downloads.read_text())[name].values()
    return str(next(iter(versions.values())))


def test_a_unit_that_never_becomes_ready_keeps_the_old_machine(fleet: Fleet, cloud: CloudView) -> None:
    workspace = fleet.workspace
    old = fleet.outputs["api-1"]
    image = workspace.image("api")
    deploy = workspace.root / "packer/images/api/deploy.py"
    text = deploy.read_text()
    # Fine in the build, never well on a machine: what the checks of an image cannot see.
    never = (
        "from pyinfra.operations import files as _files\nfrom io import StringIO as _Text\n"
        "_files.put(name='Never ready', src=_Text('#!/bin/sh\\necho waiting for Godot\\nexit 1\\n'), "
        "dest='/etc/bakewell/ready.d/never', mode='755')\n"
    )
    deploy.write_text(text + never)
    workspace.configure(ready_timeout=20)
    try:
        done = workspace.up(check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        for word in ("api-1", "Godot", "remedy", "journal"):
            assert word in said, said
        assert httpx.get(old["url"], timeout=10).status_code == 200, "the old machine goes on"
    finally:
        deploy.write_text(text)
        workspace.configure(ready_timeout=300)
    workspace.up()
    assert workspace.image("api")["fingerprint"] == image["fingerprint"]
    eventually("one api is left", lambda: len(fleet.passing("api")) == 1)
    eventually("the machine that was never ready is no dead member", lambda: set(fleet.members().values()) == {"alive"})
    assert workspace.preview().quiet


def test_machines_with_a_new_image_leave_no_dead_member(fleet: Fleet, cloud: CloudView) -> None:
    workspace = fleet.workspace
    old = {name: one["address"] for name, one in fleet.outputs.items()}
    fleet.machine("consul-server-1").run("consul kv put kept yes")
    changed = ("landing", "consul-server")
    for role in changed:
        toml = workspace.root / f"packer/images/{role}/image.toml"
        toml.write_text(toml.read_text() + f'\n[rebuild]\nnote = "a new {role}"\n')
    shown = workspace.preview()
    replaced = {short(name) for name, op in shown.ops.items() if op == "replace" and short(name) in old}
    wanted = {name for name in old if name.rpartition("-")[0] in changed}
    assert replaced == wanted, "their own machines, and no other's"

    workspace.up()

    new = {name: one["address"] for name, one in fleet.outputs.items()}
    assert {name for name in old if old[name] != new[name]} == wanted
    eventually(
        "nobody is dead, and nobody is missing", lambda: sorted(fleet.members().values()) == ["alive"] * len(new)
    )
    assert fleet.machine("consul-server-1").run("consul kv get kept").strip() == "yes"
    servers = fleet.machine("consul-server-1").ask_consul("operator/raft/configuration")["Servers"]
    assert [server["Voter"] for server in servers] == [True] * 3
    eventually("landing is healthy", lambda: len(fleet.passing("landing")) == 1)
    assert workspace.preview().quiet


def test_the_summary_names_every_image(fleet: Fleet) -> None:
    for role in images():
        assert f"{role} | " in fleet.first
    assert json.dumps(fleet.workspace.env["DIGITALOCEAN_TOKEN"]) not in fleet.first
