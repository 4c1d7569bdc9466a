"""`bakewell local up`, `status`, `env` and `down`, whole, on a clone with the small catalog and its own state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import paramiko
import psutil
import pytest
import yaml

from bakewell_local.sandbox.local_cloud import LocalCloud
from tests.e2e.cloud import CloudView
from tests.e2e.workspace import lay_out
from tests.waiting import LONGEST, gone, until

pytestmark = pytest.mark.engine
ASK_AWS = """
import boto3
session = boto3.Session()
account = session.client('sts').get_caller_identity()['Account']
(key,) = session.client('ec2').describe_key_pairs()['KeyPairs']
print(session.region_name, account, key['KeyName'])
"""


class Clone:
    """Runs the commands in `root`; the local cloud's state is in `state`."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root = root
        self.state = state
        lay_out(root, more=("bakewell_local",))

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        with self.start(command, *words) as process:
            output, errors = process.communicate(timeout=900)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def start(self, command: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bakewell_local", command, "--state", str(self.state), *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cloud(self) -> CloudView:
        return CloudView.of(LocalCloud(self.state).environment())


@pytest.fixture(scope="module")
def clone(local_cloud: LocalCloud, clouds_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose `down` leaves engine and base image alone: the session's local cloud, which runs, needs them."""
    made = Clone(tmp_path_factory.mktemp("clone") / "bakewell", clouds_folder / "up")
    yield made
    LocalCloud(made.state).destroy()


def new_roles(root: Path) -> None:
    """Two roles as `bakewell new-role` makes them, one built on the other, baked by the stack dev."""
    for words in (["plain"], ["child", "--parent", "plain"]):
        subprocess.run(
            [sys.executable, "-m", "bakewell", "new-role", *words],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=True,
        )
    file = root / "Pulumi.dev.yaml"
    dev = yaml.safe_load(file.read_text())
    dev["config"]["bakewell:roles"].append("child")
    file.write_text(yaml.safe_dump(dev))


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """What it printed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def killed_while_it_makes_machines(clone: Clone) -> set[str]:
    """Kill the pulumi of an up once the cloud has made machines that it does not hear of: their names."""
    with clone.cloud().http as http:
        cloud = CloudView(http)
        before = {one["name"] for one in cloud.get("/v2/droplets", "droplets")}
        with (
            cloud.fault("hold_after", method="POST", path="/v2/droplets") as rule,
            clone.start("up", "--roles", "all") as up,
        ):
            until(lambda: cloud.holds(rule, timeout=1) or up.poll() is not None, what="no machine is made")
            (pulumi,) = [one for one in psutil.Process(up.pid).children() if one.name() == "pulumi"]
            pulumi.kill()
            cloud.release(rule)
            up.communicate(timeout=LONGEST)
            assert up.returncode != 0
        return {one["name"] for one in cloud.get("/v2/droplets", "droplets")} - before


def test_up_then_env_then_down(clone: Clone) -> None:
    file = clone.root / "Pulumi.fleet.yaml"
    fleet = yaml.safe_load(file.read_text())
    fleet["config"]["bakewell:digitalocean"] = {"droplets": {"web": {"count": 2, "ssh_keys": ["local-cloud"]}}}
    file.write_text(yaml.safe_dump(fleet))
    new_roles(clone.root)

    rows = [line.split() for line in succeeded(clone.run("up")).splitlines()[-2:]]
    assert sorted(row[0] for row in rows) == ["digitalocean-api-1", "digitalocean-web-1"]
    address = next(row[1] for row in rows if row[0] == "digitalocean-web-1")
    found = json.loads(succeeded(clone.run("status", "--json")))
    (stack,) = found["stacks"]
    assert {(each["name"], each["address"]) for each in stack["machines"]} == {(row[0], row[1]) for row in rows}
    assert (found["project"], stack["name"], found["servers"][0]["name"]) == ("bakewell", "dev", "digitalocean")
    again = succeeded(clone.run("up"))
    assert "unchanged" in again
    assert not any(word in again for word in ("created", "replaced", "deleted"))

    lost = killed_while_it_makes_machines(clone)
    after = clone.run("up", "--roles", "all")
    fleet_rows = succeeded(after).splitlines()[-2:]
    assert all(f"removed droplet {name}" in after.stderr for name in lost), after.stderr
    assert "pending operation" not in after.stdout + after.stderr
    with clone.cloud().http as http:
        names = {one["name"] for one in CloudView(http).get("/v2/droplets", "droplets")}
    assert len(names) == 4 and not names & lost
    assert sorted(row.split()[0] for row in fleet_rows) == ["digitalocean-web-1", "digitalocean-web-2"]
    assert address not in "".join(fleet_rows), "the stacks share images, not machines"

    script = succeeded(clone.run("env")) + 'echo "$BAKEWELL_SSH_KEY"; pulumi stack ls --json'
    done = subprocess.run(["bash", "-euc", script], cwd=clone.root, capture_output=True, text=True, check=False)
    key, _, listed = succeeded(done).partition("\n")
    assert {stack["name"] for stack in json.loads(listed)} == {"dev", "fleet"}
    with closing(paramiko.SSHClient()) as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(address, username="root", key_filename=key, allow_agent=False, look_for_keys=False)
        _, said, _ = client.exec_command("cat /etc/bakewell/stamp-web")
        assert said.read() == b"web 1\n"

    # AWS's half, for its tools, whatever profile the shell was in before.
    script = succeeded(clone.run("env", "--clouds", "aws")) + f'echo "$PULUMI_STACK"; {sys.executable} -c "{ASK_AWS}"'
    before = {**os.environ, "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "mine", "AWS_REGION": "eu-west-3"}
    done = subprocess.run(["bash", "-euc", script], cwd=clone.root, env=before, capture_output=True, text=True)
    assert succeeded(done).splitlines() == ["aws", "us-east-1 123456789012 local-cloud"]

    known, aws = LocalCloud(clone.state).address(), LocalCloud(clone.state).aws_address()
    assert known is not None and aws is not None and aws.pid is not None
    succeeded(clone.run("down"))
    assert not clone.state.exists()
    assert gone(aws.pid)
    with closing(docker.from_env()) as engine:
        ours = {"label": f"bakewell={known.cloud_id}"}
        assert engine.containers.list(all=True, filters=ours) == []
        assert engine.images.list(all=True, filters=ours) == []
        assert engine.networks.list(filters=ours) == []
