"""VPCs, reserved IPs and autoscale pools."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell_local.sandbox.machines import MachineError
from tests.contract.served import SLOW_SECONDS, Api, Served
from tests.waiting import until

POOL = {
    "name": "fleet",
    "config": {"target_number_instances": 2},
    "droplet_template": {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "ssh_keys": ["1"]},
}


def test_a_droplet_is_in_its_regions_default_vpc(api: Api) -> None:
    droplet = api.droplet()
    vpc = api.get(f"/v2/vpcs/{droplet['vpc_uuid']}")["vpc"]
    assert (vpc["region"], vpc["default"]) == ("nyc3", True)
    members = api.get(f"/v2/vpcs/{vpc['id']}/members")["members"]
    assert [m["urn"] for m in members] == [f"do:droplet:{droplet['id']}"]
    assert api.refused("DELETE", f"/v2/vpcs/{vpc['id']}", status=403) == "Can not delete default VPCs"


def test_a_vpc_of_ones_own(api: Api) -> None:
    vpc = api.post("/v2/vpcs", {"name": "back", "region": "nyc3", "ip_range": "10.200.0.0/20"})["vpc"]
    droplet = api.droplet(vpc_uuid=vpc["id"])
    assert droplet["vpc_uuid"] == vpc["id"]
    assert api.refused("DELETE", f"/v2/vpcs/{vpc['id']}", status=403) == "Can not delete VPC with members"
    api.destroy(droplet["id"])
    assert api.put(f"/v2/vpcs/{vpc['id']}", {"name": "behind"})["vpc"]["name"] == "behind"
    patched = api.http.patch(f"/v2/vpcs/{vpc['id']}", json={"default": True}).json()["vpc"]
    assert (patched["name"], patched["default"]) == ("behind", True)
    assert [v["default"] for v in api.get("/v2/vpcs")["vpcs"]] == [True]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "x", "region": "moon1"}, "region is not valid"),
        ({"name": "x", "region": "NYC3"}, "region is not valid"),
        ({"name": " ", "region": "nyc3"}, "name is required"),
        ({"name": "back", "region": "nyc3"}, "the name is already in use"),
        ({"name": "x", "region": "nyc3", "ip_range": "10.200.1.0/24"}, "overlaps"),
        ({"name": "x", "region": "nyc3", "ip_range": "8.8.8.0/24"}, "private network"),
        ({"name": "x", "region": "nyc3", "ip_range": "words"}, "not a valid CIDR block"),
    ],
)
def test_vpcs_that_cannot_be(api: Api, body: dict[str, Any], message: str) -> None:
    api.post("/v2/vpcs", {"name": "back", "region": "nyc3", "ip_range": "10.200.0.0/20"})
    assert message in api.refused("POST", "/v2/vpcs", body)
    assert api.get("/v2/vpcs")["meta"]["total"] == 1


def assigned(api: Api, ip: str, droplet_id: int) -> Any:
    """The action that assigns the address, once it has ended."""
    action = api.post(f"/v2/reserved_ips/{ip}/actions", {"type": "assign", "droplet_id": droplet_id})["action"]
    return api.done(action["id"])


def machine(droplet: dict[str, Any]) -> str:
    return f"droplet-{droplet['id']}"


def test_a_reserved_ip_is_on_one_machine_at_a_time_and_stays_there_through_boots(served: Served, api: Api) -> None:
    one, two = api.droplet("one"), api.droplet("two")
    address = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]
    ip, path, have = address["ip"], f"/v2/reserved_ips/{address['ip']}", served.machines.have
    assert (address["droplet"], address["locked"], have(ip)) == (None, False, [])
    action = api.post(f"{path}/actions", {"type": "assign", "droplet_id": one["id"]})["action"]
    assert (action["type"], action["status"]) == ("assign_ip", "in-progress")
    assert api.done(action["id"])["status"] == "completed"
    assert api.get(f"{path}/actions/{action['id']}")["action"]["status"] == "completed"
    for types in (["reboot"], ["power_cycle"], ["power_off", "power_on"], ["shutdown", "power_on"]):
        assert [api.act(one["id"], type)["status"] for type in types] == ["completed"] * len(types)
        assert have(ip) == [machine(one)], types

    for droplet in (two, two):
        assert assigned(api, ip, droplet["id"])["status"] == "completed"
        assert have(ip) == [machine(two)]
        assert api.get(path)["reserved_ip"]["droplet"]["id"] == two["id"]
    made = api.post("/v2/reserved_ips", {"droplet_id": two["id"]}, 202)
    api.done(made["links"]["actions"][0]["id"])
    other = made["reserved_ip"]["ip"]
    assert served.machines.machines[machine(two)].further == {ip, other}
    api.done(api.post(f"{path}/actions", {"type": "unassign"})["action"]["id"])
    assert (api.get(path)["reserved_ip"]["droplet"], have(ip)) == (None, [])
    assert [a["type"] for a in api.get(f"{path}/actions")["actions"]] == ["unassign_ip", *["assign_ip"] * 3]

    api.act(one["id"], "power_off")
    assert assigned(api, ip, one["id"])["status"] == "completed"
    assert have(ip) == []
    api.act(one["id"], "power_on")
    assert have(ip) == [machine(one)]
    api.delete(path)
    assert (have(ip), have(other)) == ([], [machine(two)])
    api.destroy(two["id"])
    (left,) = api.get("/v2/reserved_ips")["reserved_ips"]
    assert (left["ip"], left["droplet"]) == (other, None)


def test_a_reserved_ip_that_cannot_move_stays(served: Served, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = api.droplet("one"), api.droplet("two")
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    assigned(api, ip, one["id"])
    attach = served.machines.attach

    def broken(name: str, address: str) -> None:
        if name == machine(two):
            raise MachineError(f"machine {name} is broken")
        attach(name, address)

    monkeypatch.setattr(served.machines, "attach", broken)
    assert assigned(api, ip, two["id"])["status"] == "errored"
    assert served.machines.have(ip) == [machine(one)]
    seen = api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]
    assert (seen["droplet"]["id"], seen["locked"]) == (one["id"], False)


def test_a_reserved_ip_is_not_deleted_while_a_machine_cannot_lose_it(served: Served, api: Api) -> None:
    droplet = api.droplet()
    made = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, 202)
    ip = made["reserved_ip"]["ip"]
    api.done(made["links"]["actions"][0]["id"])
    rule = api.post("/sandbox/faults", {"effect": "engine_down"})["fault"]["id"]
    assert "still assigned" in api.refused("DELETE", f"/v2/reserved_ips/{ip}", status=500)
    api.delete(f"/sandbox/faults/{rule}")
    assert not api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["locked"]
    api.delete(f"/v2/reserved_ips/{ip}")
    assert served.machines.have(ip) == []


def test_while_an_action_is_under_way_neither_droplet_nor_reserved_ip_begins_another(served: Served, api: Api) -> None:
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    served.cloud.work.seconds = SLOW_SECONDS
    droplet = api.droplet(wait=False)
    assign = {"type": "assign", "droplet_id": droplet["id"]}
    assert "pending event" in api.refused("POST", f"/v2/reserved_ips/{ip}/actions", assign)
    assert "pending event" in api.refused("POST", "/v2/reserved_ips", {"droplet_id": droplet["id"]})
    api.unlocked(droplet["id"])
    address = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, 202)["reserved_ip"]
    assert address["locked"]
    path = f"/v2/reserved_ips/{address['ip']}"
    for method, each in (("POST", f"{path}/actions"), ("DELETE", path)):
        assert "pending event" in api.refused(method, each, assign)
    until(lambda: api.get(path)["reserved_ip"]["locked"], lambda locked: not locked)


def test_an_account_has_so_many_reserved_ips(api: Api) -> None:
    limit = api.get("/v2/account")["account"]["reserved_ip_limit"]
    made = [api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"] for _ in range(limit)]
    assert len(set(made)) == limit
    assert "limit" in api.refused("POST", "/v2/reserved_ips", {"region": "nyc3"})
    api.delete(f"/v2/reserved_ips/{made[0]}")
    assert api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"] == made[0]


def test_reserved_ips_that_cannot_be(api: Api) -> None:
    assert api.refused("POST", "/v2/reserved_ips", {"region": "moon1"})
    assert api.refused("POST", "/v2/reserved_ips", {"droplet_id": 424242}, status=404)
    path = f"/v2/reserved_ips/{api.post('/v2/reserved_ips', {'region': 'fra1'}, 202)['reserved_ip']['ip']}/actions"
    droplet = api.droplet()
    assert "different regions" in api.refused("POST", path, {"type": "assign", "droplet_id": droplet["id"]})
    assert "droplet_id is required" in api.refused("POST", path, {"type": "assign"})
    assert "not assigned" in api.refused("POST", path, {"type": "unassign"})
    assert "not an action" in api.refused("POST", path, {"type": "odd"})


def test_autoscale_pools_name_images(api: Api) -> None:
    assert api.get("/v2/droplets/autoscale")["autoscale_pools"] == []
    image = api.snapshot()
    template = {**POOL["droplet_template"], "image": str(image["id"])}  # type: ignore[dict-item]
    pool = api.post("/v2/droplets/autoscale", {**POOL, "droplet_template": template}, 202)["autoscale_pool"]
    path = f"/v2/droplets/autoscale/{pool['id']}"
    assert api.get(path)["autoscale_pool"]["droplet_template"]["image"] == str(image["id"])
    assert [p["id"] for p in api.get("/v2/droplets/autoscale", name="fleet")["autoscale_pools"]] == [pool["id"]]
    assert api.get("/v2/droplets/autoscale", name="other")["autoscale_pools"] == []
    api.delete(path, 202)
    assert api.refused("GET", path, status=404)


@pytest.mark.parametrize(("field", "value"), [("image", "424242"), ("region", "moon1"), ("size", "s-99")])
def test_autoscale_pools_that_cannot_be(api: Api, field: str, value: str) -> None:
    template = {**POOL["droplet_template"], field: value}  # type: ignore[dict-item]
    assert f"invalid {field}" in api.refused("POST", "/v2/droplets/autoscale", {**POOL, "droplet_template": template})
    assert api.get("/v2/droplets/autoscale")["meta"]["total"] == 0
