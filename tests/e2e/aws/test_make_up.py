"""`make up CLOUDS=aws`, with the real images: what it prints answers. One of it is the nginx pair: where there is no
Consul, web-node finds app-node by its user_data.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.local_cloud import LocalCloud
from tests.e2e.machine import Machine
from toolchain.folders import ROOT

Environment = Mapping[str, str]


@pytest.fixture
def environment(with_vendors: Environment) -> Iterator[Environment]:
    """What a command needs to work on the stack, which is gone again afterwards."""
    made = {**with_vendors, "PULUMI_STACK": "aws"}
    try:
        yield made
    finally:
        pulumi(made, "destroy", "--yes", "--skip-preview")


def pulumi(environment: Environment, *words: str) -> str:
    command = ["pulumi", *words, "--non-interactive"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_make_up_on_aws_prints_what_answers(local_cloud: LocalCloud, environment: Environment) -> None:
    command = [sys.executable, "-m", "sandbox", "up", "--clouds", "aws", "--state", str(local_cloud.state)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    rows = [line.split() for line in done.stdout.rpartition("\n\n")[2].splitlines()]
    names = ["aws-app-node-1", "aws-web-node-1"]
    assert sorted(row[0] for row in rows) == [names[0], "aws-web", "aws-web", names[1]], "two of the fleet"
    assert len({address for _, address, *_ in rows}) == 4
    for _, address, url, status, *ready in rows:
        assert url.startswith(f"http://{address}") and status == "200" and ready[:2] == ["ready", "after"]

    outputs: dict[str, Any] = json.loads(pulumi(environment, "stack", "output", "--json"))
    runs = {role: image["aws"]["run"] for role, image in outputs["images"].items()}
    assert {role: image["aws"]["parent"] for role, image in outputs["images"].items()} == {
        "base": None,
        "web": runs["base"],
        "node-base": None,
        "node-nginx": runs["node-base"],
        "web-node": runs["node-nginx"],
        "app-node": runs["node-nginx"],
    }, "six images, each baked on the one before"
    machines = outputs["machines"]
    assert sorted(machines) == names and sorted(outputs["fleets"]) == ["web"]

    proxied = httpx.get(f"http://{machines['aws-web-node-1']['address']}/", timeout=10)
    direct = httpx.get(f"http://{machines['aws-app-node-1']['address']}/", timeout=10)
    assert (proxied.status_code, proxied.text) == (200, direct.text)
    assert outputs["images"]["app-node"]["aws"]["name"] in direct.text

    shell = Machine(machines["aws-web-node-1"]["address"], Path(environment["BAKEWELL_SSH_KEY"]))
    told = shell.run("cat /var/lib/cloud/instance/user-data.txt")
    assert len(told.encode()) < 2048
    assert environment["AWS_SECRET_ACCESS_KEY"] not in told + log
    pulumi(environment, "preview", "--expect-no-changes")
