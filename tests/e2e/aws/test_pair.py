"""The nginx pair on AWS, with the real images: where there is no Consul, web-node finds app-node by its user_data."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.e2e.aws.conftest import MakeWorkspace
from tests.e2e.machine import Machine

LOGIN = {"key": "local-cloud", "ssh_from": ["10.0.0.0/8"]}


def test_web_node_passes_on_what_app_node_says(clone: MakeWorkspace) -> None:
    stack = clone("aws", real_images=True)
    stack.configure(roles=["web-node", "app-node"], aws={"instances": {"web-node": LOGIN, "app-node": LOGIN}})
    log = stack.up().stdout
    outputs = stack.outputs()
    runs = {role: image["aws"]["run"] for role, image in outputs["images"].items()}
    parents = {role: image["aws"]["parent"] for role, image in outputs["images"].items()}
    assert parents == {
        "node-base": None,
        "node-nginx": runs["node-base"],
        "web-node": runs["node-nginx"],
        "app-node": runs["node-nginx"],
    }, "four images, each baked on the one before"

    machines = outputs["machines"]
    assert sorted(machines) == ["aws-app-node-1", "aws-web-node-1"]
    for machine in machines.values():
        assert httpx.get(machine["url"], timeout=10).status_code == 200
        assert 0 < machine["ready_seconds"] < 300
    proxied = httpx.get(f"http://{machines['aws-web-node-1']['address']}/", timeout=10)
    direct = httpx.get(f"http://{machines['aws-app-node-1']['address']}/", timeout=10)
    assert (proxied.status_code, proxied.text) == (200, direct.text)
    assert outputs["images"]["app-node"]["aws"]["name"] in direct.text

    shell = Machine(machines["aws-web-node-1"]["address"], Path(stack.env["BAKEWELL_SSH_KEY"]))
    told = shell.run("cat /var/lib/cloud/instance/user-data.txt")
    assert len(told.encode()) < 2048
    assert stack.env["AWS_SECRET_ACCESS_KEY"] not in told + log
    preview = stack.preview()
    assert preview.quiet, preview.paths
