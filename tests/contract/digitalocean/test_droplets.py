"""Droplets: creating, listing, acting on them, and what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.contract.fake_machines import STOCK
from tests.contract.served import ACTION_SECONDS, KEY, SLOW_SECONDS, Api, Served
from tests.waiting import until

SINGLE = {"name": "web-1", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def test_a_droplet_is_new_and_locked_at_first_then_active_with_an_address(api: Api) -> None:
    began = time.monotonic()
    droplet = api.droplet(region="NYC3", size="S-1VCPU-1GB", wait=False)
    assert (droplet["status"], droplet["locked"], droplet["networks"]["v4"]) == ("new", True, [])
    droplet = api.unlocked(droplet["id"])
    assert time.monotonic() - began >= ACTION_SECONDS
    assert droplet["status"] == "active"
    assert {n["type"] for n in droplet["networks"]["v4"]} == {"public", "private"}
    assert droplet["image"]["slug"] == "debian-12-x64"
    assert (droplet["region"]["slug"], droplet["size_slug"]) == ("nyc3", "s-1vcpu-1gb"), "taken in any case"
    address = api.post("/v2/reserved_ips", {"region": "NYC3"}, 202)["reserved_ip"]
    assert address["region"]["slug"] == "nyc3"


def test_the_machine_gets_what_was_asked_for(served: Served, api: Api) -> None:
    key = api.get(f"/v2/account/keys/{api.key()}")["ssh_key"]
    host = "w" * 60
    droplet = api.droplet(
        f"{host}.example.com", ssh_keys=[key["id"], key["fingerprint"]], user_data="#cloud-config\n{}\n"
    )
    machine = served.machines.machines[f"droplet-{droplet['id']}"]
    assert (machine.image, machine.user_data) == (STOCK, "#cloud-config\n{}\n")
    assert machine.public_keys == [KEY, KEY], "by its ID and by its fingerprint"
    assert (droplet["name"], machine.hostname) == (f"{host}.example.com", host), "too long: its first label"
    assert machine.instance_id == str(droplet["id"])


def test_a_droplet_boots_from_a_snapshot_by_id(served: Served, api: Api) -> None:
    image = api.snapshot()
    droplet = api.droplet("copy", image=image["id"])
    assert droplet["image"]["id"] == image["id"]
    assert served.machines.machines[f"droplet-{droplet['id']}"].image.endswith(f":{image['id']}")
    assert api.droplet("text", image=str(image["id"]))["image"]["id"] == image["id"]


def test_several_droplets_at_once(api: Api) -> None:
    body = {**SINGLE, "names": ["a", "b"], "tags": ["pair"]}
    body.pop("name")
    made = api.post("/v2/droplets", body, 202)
    assert [d["name"] for d in made["droplets"]] == ["a", "b"]
    assert len(made["links"]["actions"]) == 2
    for droplet in made["droplets"]:
        api.unlocked(droplet["id"])
    assert api.get("/v2/droplets", tag_name="pair")["meta"]["total"] == 2


def test_lists_by_name_tag_and_gpu(api: Api) -> None:
    api.droplet("web", tags=["role:web", "both"])
    api.droplet("api", tags=["role:api"])
    api.droplet("trainer", size="gpu-h100x1-80gb", tags=["both"])

    def names(**query: str) -> list[str]:
        return [d["name"] for d in api.get("/v2/droplets", **query)["droplets"]]

    assert names() == names(type="droplets") == ["web", "api"]
    assert names(name="api") == names(tag_name="role:api") == ["api"]
    assert names(tag_name="both") == ["web"]
    assert names(type="gpus") == names(type="gpus", name="trainer") == ["trainer"]
    assert names(name="trainer") == names(tag_name="none") == []
    for query, message in (
        ("tag_name=both&type=gpus", "tag_name can not be combined with name or type."),
        ("tag_name=both&name=web", "tag_name can not be combined with name or type."),
        ("type=toasters", "type must be one of: droplets, gpus"),
    ):
        assert api.refused("GET", f"/v2/droplets?{query}") == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": "debian-99-x64"}, "You specified an invalid image for Droplet creation."),
        ({"image": 424242}, "You specified an invalid image for Droplet creation."),
        ({"size": "s-99"}, "You specified an invalid size for Droplet creation."),
        ({"region": "moon1"}, "You specified an invalid region for Droplet creation."),
        ({"region": "fra1", "size": "s-1vcpu-512mb-10gb"}, "Size is not available in this region."),
        ({"size": "s-1vcpu-3gb"}, "Size is not available in this region."),
        ({"image": "debian-10-x64"}, "You specified an invalid image for Droplet creation."),
        ({"name": "no_underscores"}, "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"),
        ({"name": ""}, "Name can't be blank"),
        ({"name": "w" * 64}, "Name is too long (maximum is 63 characters between dots)"),
        ({"name": "web." + "w" * 64}, "Name is too long"),
        ({"ssh_keys": [424242]}, "424242 are invalid key identifiers for Droplet creation."),
        ({"vpc_uuid": "5a4981aa-9653-4bd1-bef5-d6bff52042e4"}, "You specified an invalid VPC for Droplet creation."),
        ({"tags": ["not a tag"]}, "invalid tag 'not a tag'"),
        ({"user_data": "x" * (64 * 1024 + 1)}, "User data is too long"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(api: Api, fields: dict[str, Any], message: str) -> None:
    assert message in api.refused("POST", "/v2/droplets", {**SINGLE, **fields})
    assert api.get("/v2/droplets")["meta"]["total"] == 0
    assert api.get("/v2/tags")["meta"]["total"] == 0
    assert api.get("/v2/actions")["meta"]["total"] == 0


def test_an_image_that_is_elsewhere_or_too_large_is_refused(api: Api) -> None:
    wanted = {**SINGLE, "image": api.snapshot()["id"]}
    assert "not available in the selected region" in api.refused("POST", "/v2/droplets", {**wanted, "region": "fra1"})
    assert "larger disk" in api.refused("POST", "/v2/droplets", {**wanted, "size": "s-1vcpu-512mb-10gb"})


def test_power(served: Served, api: Api) -> None:
    droplet_id = api.droplet()["id"]
    machine = served.machines.machines[f"droplet-{droplet_id}"]
    for type, status, boots in (
        ("shutdown", "off", 1),
        ("power_on", "active", 2),
        ("reboot", "active", 3),
        ("power_cycle", "active", 4),
        ("power_off", "off", 4),
    ):
        assert api.act(droplet_id, type)["status"] == "completed"
        assert api.get(f"/v2/droplets/{droplet_id}")["droplet"]["status"] == status
        assert (machine.running, machine.boots) == (status == "active", boots)
    actions = api.get(f"/v2/droplets/{droplet_id}/actions")["actions"]
    assert [a["type"] for a in actions] == ["power_off", "power_cycle", "reboot", "power_on", "shutdown", "create"]


def test_actions_take_time_and_lock_the_droplet(served: Served, api: Api) -> None:
    droplet_id = api.droplet()["id"]
    served.cloud.work.seconds = SLOW_SECONDS
    path = f"/v2/droplets/{droplet_id}/actions"
    began = time.monotonic()
    action = api.post(path, {"type": "power_off"})["action"]
    assert (action["status"], action["completed_at"]) == ("in-progress", None)
    assert api.get(f"/v2/droplets/{droplet_id}")["droplet"]["locked"]
    pending = "Droplet already has a pending event."
    assert api.refused("POST", path, {"type": "power_off"}) == pending
    assert api.refused("DELETE", f"/v2/droplets/{droplet_id}") == pending
    action = api.done(action["id"])
    assert time.monotonic() - began >= SLOW_SECONDS
    assert action["status"] == "completed"
    assert action["completed_at"] >= action["started_at"]
    assert api.get(f"{path}/{action['id']}")["action"] == action


def test_actions_that_cannot_be(api: Api) -> None:
    droplet_id = api.droplet()["id"]

    def refused(message: str, **body: str) -> None:
        assert message in api.refused("POST", f"/v2/droplets/{droplet_id}/actions", body), body
        assert not api.get(f"/v2/droplets/{droplet_id}")["droplet"]["locked"]

    refused("Droplet is currently on.", type="power_on")
    refused("Droplet is currently on. Please power it off to run this event.", type="snapshot")
    refused("Only valid hostname characters", type="rename", name="no_underscores")
    refused("'levitate' is not an action of a droplet", type="levitate")
    refused("type: Field required")
    api.act(droplet_id, "power_off")
    refused("Droplet is already powered off.", type="power_off")
    refused("Droplet is already powered off.", type="shutdown")
    refused("You specified an invalid size", type="resize", size="s-99")
    refused("smaller disk", type="resize", size="s-1vcpu-512mb-10gb")


def test_rename_and_resize_then_destroy_by_id_and_by_tag(served: Served, api: Api) -> None:
    droplet_id, other, stays = (api.droplet(tag, tags=[tag])["id"] for tag in ("one", "old", "new"))
    api.act(droplet_id, "rename", name="web-2")
    api.act(droplet_id, "power_off")
    api.act(droplet_id, "resize", size="s-1vcpu-2gb")
    droplet = api.get(f"/v2/droplets/{droplet_id}")["droplet"]
    assert (droplet["name"], droplet["size_slug"], droplet["memory"]) == ("web-2", "s-1vcpu-2gb", 2048)
    served.cloud.work.seconds = SLOW_SECONDS
    api.delete(f"/v2/droplets/{droplet_id}")
    api.delete("/v2/droplets?tag_name=old")
    assert [d["locked"] for d in api.get("/v2/droplets")["droplets"]] == [True, True, False]
    until(lambda: [d["id"] for d in api.get("/v2/droplets")["droplets"]], lambda left: left == [stays])
    assert api.refused("GET", f"/v2/droplets/{other}", status=404)
    assert served.machines.names() == [f"droplet-{stays}"]
    assert api.get("/v2/actions")["actions"][0]["type"] == "destroy"


def test_what_is_not_there(api: Api) -> None:
    for path in ("/v2/droplets/424242", "/v2/droplets/text", "/v2/droplets/424242/snapshots", "/v2/no"):
        assert api.refused("GET", path, status=404) == "The resource you were accessing could not be found."
