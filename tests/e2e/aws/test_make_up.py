"""`make up CLOUDS=aws`, with the real images of the nginx pair: what it prints answers. Where there is no Consul, the
machines of web-node, a fleet, find app-node by their user_data.
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

from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.folders import ROOT
from tests.e2e.machine import Machine
from tests.e2e.workspace import images

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
    command = [sys.executable, "-m", "bakewell_local", "up", "--clouds", "aws", "--state", str(local_cloud.state)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    rows = [line.split() for line in done.stdout.rpartition("\n\n")[2].splitlines()]
    assert sorted(row[0] for row in rows) == ["aws-app-node-1", "aws-web-node", "aws-web-node"], "two of the fleet"
    assert len({address for _, address, *_ in rows}) == 3
    for _, address, url, status, *ready in rows:
        assert url.startswith(f"http://{address}") and status == "200" and ready[:2] == ["ready", "after"]

    outputs: dict[str, Any] = json.loads(pulumi(environment, "stack", "output", "--json"))
    baked = images(outputs, "aws")
    runs = {role: image["run"] for role, image in baked.items()}
    parents = {role: image["parent"] for role, image in baked.items()}
    pair = dict.fromkeys(("web-node", "app-node"), runs["node-nginx"])
    assert parents == {"node-base": None, "node-nginx": runs["node-base"], **pair}, "each baked on the one before"
    assert sorted(outputs["machines"]) == ["aws-app-node-1"] and sorted(outputs["fleets"]) == ["web-node"]

    direct = httpx.get(f"http://{outputs['machines']['aws-app-node-1']['address']}/", timeout=10)
    assert baked["app-node"]["name"] in direct.text
    for proxy in (address for name, address, *_ in rows if name == "aws-web-node"):
        proxied = httpx.get(f"http://{proxy}/", timeout=10)
        assert (proxied.status_code, proxied.text) == (200, direct.text)
        told = Machine(proxy, Path(environment["BAKEWELL_SSH_KEY"])).run("cat /var/lib/cloud/instance/user-data.txt")
        assert len(told.encode()) < 2048
        assert environment["AWS_SECRET_ACCESS_KEY"] not in told + log
    pulumi(environment, "preview", "--expect-no-changes")
