"""DigitalOcean's own clients, unmodified: pydo and doctl."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy
from pydo import Client

from bakewell_local.toolchain.build import Toolchain
from tests.contract.served import KEY, TOKEN, Served
from tests.waiting import until

Doctl = Callable[..., Any]


def connect(served: Served, token: str) -> Client:
    """A client of the cloud. pydo's own policy refuses to send a token over plain HTTP, loopback or not."""
    policy = HeadersPolicy({"Authorization": f"Bearer {token}"})
    return Client(token=token, endpoint=served.api.endpoint, authentication_policy=policy)


@pytest.fixture
def pydo(served: Served) -> Client:
    return connect(served, TOKEN)


@pytest.fixture
def doctl(served: Served, toolchain: Toolchain, tmp_path: Path) -> Doctl:
    """Runs doctl and gives the JSON that it prints."""
    environment = {**os.environ, "DIGITALOCEAN_ACCESS_TOKEN": TOKEN, "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*words: str, fails: bool = False) -> Any:
        command = [str(toolchain.programs["doctl"]), "--api-url", served.api.endpoint, "--output", "json", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_pydo_builds_an_image_and_boots_it(pydo: Client) -> None:
    key = pydo.ssh_keys.create(body={"name": "one", "public_key": KEY})["ssh_key"]
    body = {
        "name": "builder",
        "region": "nyc3",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ssh_keys": [key["id"]],
        "tags": ["bakewell:builder"],
    }
    droplet_id = pydo.droplets.create(body=body)["droplet"]["id"]
    until(lambda: pydo.droplets.get(droplet_id)["droplet"]["status"], lambda status: status == "active")
    for type in ("power_off", "snapshot"):
        action = pydo.droplet_actions.post(droplet_id, body={"type": type, "name": "by-pydo"})["action"]
        until(
            lambda id=action["id"]: pydo.droplet_actions.get(droplet_id, id)["action"]["status"],  # type: ignore[misc]
            lambda status: status == "completed",
        )
    image_id = pydo.droplets.list_snapshots(droplet_id)["snapshots"][0]["id"]
    pydo.tags.create(body={"name": "role:web"})
    resources = {"resources": [{"resource_id": str(image_id), "resource_type": "image"}]}
    pydo.tags.assign_resources("role:web", body=resources)
    assert [i["id"] for i in pydo.images.list(private=True, tag_name="role:web")["images"]] == [image_id]
    transfer = pydo.image_actions.post(image_id, body={"type": "transfer", "region": "fra1"})["action"]
    until(lambda: pydo.actions.get(transfer["id"])["action"]["status"], lambda status: status == "completed")
    copy = pydo.droplets.create(body={**body, "name": "copy", "image": image_id, "region": "fra1"})["droplet"]
    assert copy["image"]["id"] == image_id
    assert pydo.autoscalepools.list()["autoscale_pools"] == []
    pydo.tags.unassign_resources("role:web", body=resources)
    pydo.tags.delete("role:web")
    pydo.images.delete(image_id)
    pydo.ssh_keys.delete(key["id"])
    assert pydo.images.list(private=True)["images"] == []


def test_pydo_sees_pages_and_errors(served: Served, pydo: Client) -> None:
    served.api.droplet(tags=[f"tag-{n}" for n in range(3)])
    page = pydo.tags.list(per_page=2)
    assert len(page["tags"]) == 2
    assert "page=2" in page["links"]["pages"]["next"]
    assert [t["name"] for t in pydo.tags.list(per_page=2, page=2)["tags"]] == ["tag-2"]
    assert pydo.droplets.get(424242)["id"] == "not_found"
    with pytest.raises(HttpResponseError, match="You specified an invalid size"):
        pydo.droplets.create(body={"name": "x", "region": "nyc3", "size": "s-99", "image": "debian-12-x64"})
    with pytest.raises(HttpResponseError) as caught:
        connect(served, "another").account.get()
    assert caught.value.status_code == 401


def test_doctl_builds_an_image_and_boots_it(served: Served, doctl: Doctl, tmp_path: Path) -> None:
    public_key = tmp_path / "key.pub"
    public_key.write_text(KEY)
    key = doctl("compute", "ssh-key", "import", "one", "--public-key-file", str(public_key))[0]
    options = ["--size", "s-1vcpu-1gb", "--region", "nyc3", "--ssh-keys", str(key["id"])]
    builder = doctl("compute", "droplet", "create", "builder", "--image", "debian-12-x64", "--wait", *options)[0]
    assert builder["status"] == "active"

    def act(kind: str, *words: str) -> None:  # --wait looks every 5 seconds only
        action = str(doctl("compute", kind, *words)[0]["id"])
        served.api.done(int(action))
        assert doctl("compute", "action", "get", action)[0]["status"] == "completed"

    act("droplet-action", "power-off", str(builder["id"]))
    act("droplet-action", "snapshot", str(builder["id"]), "--snapshot-name", "by-doctl")
    image = doctl("compute", "image", "list-user")[0]
    assert image["name"] == "by-doctl"
    act("image-action", "transfer", str(image["id"]), "--region", "fra1")
    assert doctl("compute", "snapshot", "list")[0]["regions"] == ["nyc3", "fra1"]
    copy = doctl("compute", "droplet", "create", "copy", "--image", str(image["id"]), "--tag-name", "web", *options)[0]
    assert copy["image"]["id"] == image["id"]
    assert [d["name"] for d in doctl("compute", "droplet", "list", "--tag-name", "web")] == ["copy"]
    served.api.unlocked(copy["id"])
    doctl("compute", "droplet", "delete", "--force", str(builder["id"]), str(copy["id"]))
    doctl("compute", "snapshot", "delete", "--force", str(image["id"]))
    until(lambda: served.machines.machines, lambda machines: not machines)


def test_doctl_lists_what_there_is_and_shows_our_errors(doctl: Doctl) -> None:
    assert doctl("account", "get")["status"] == "active"
    assert "nyc3" in [r["slug"] for r in doctl("compute", "region", "list")]
    assert "s-1vcpu-1gb" in [s["slug"] for s in doctl("compute", "size", "list")]
    assert [i["slug"] for i in doctl("compute", "image", "list-distribution")] == ["debian-12-x64"]
    assert doctl("compute", "tag", "create", "web")[0]["name"] == "web"
    assert doctl("vpcs", "create", "--name", "back", "--region", "nyc3")[0]["region"] == "nyc3"
    assert doctl("compute", "reserved-ip", "create", "--region", "nyc3")[0]["region"]["slug"] == "nyc3"
    assert "could not be found" in json.dumps(doctl("compute", "droplet", "get", "424242", fails=True))
