"""VPCs, reserved IPs and autoscale pools."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.machines import MachineError
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


def test_a_reserved_ip_is_assigned_and_taken_back(api: Api) -> None:
    droplet = api.droplet()
    address = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]
    path = f"/v2/reserved_ips/{address['ip']}"
    assert (address["droplet"], address["locked"]) == (None, False)
    action = api.post(f"{path}/actions", {"type": "assign", "droplet_id": droplet["id"]})["action"]
    assert (action["type"], action["status"]) == ("assign_ip", "in-progress")
    assert api.done(action["id"])["status"] == "completed"
    assert api.get(path)["reserved_ip"]["droplet"]["id"] == droplet["id"]
    assert api.get(f"{path}/actions/{action['id']}")["action"]["status"] == "completed"
    api.done(api.post(f"{path}/actions", {"type": "unassign"})["action"]["id"])
    assert api.get(path)["reserved_ip"]["droplet"] is None
    assert [a["type"] for a in api.get(f"{path}/actions")["actions"]] == ["unassign_ip", "assign_ip"]
    api.delete(path)
    assert api.get("/v2/reserved_ips")["reserved_ips"] == []


def assigned(api: Api, ip: str, droplet_id: int) -> Any:
    """The action that assigns the address, once it has ended."""
    action = api.post(f"/v2/reserved_ips/{ip}/actions", {"type": "assign", "droplet_id": droplet_id})["action"]
    return api.done(action["id"])


def machine(droplet: dict[str, Any]) -> str:
    return f"droplet-{droplet['id']}"


def test_a_reserved_ip_is_on_one_machine_at_a_time(served: Served, api: Api) -> None:
    one, two = api.droplet("one"), api.droplet("two")
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    assert served.machines.have(ip) == []
    for droplet in (one, two, two):
        assert assigned(api, ip, droplet["id"])["status"] == "completed"
        assert served.machines.have(ip) == [machine(droplet)]
    other = api.post("/v2/reserved_ips", {"droplet_id": two["id"]}, 202)
    api.done(other["links"]["actions"][0]["id"])
    assert served.machines.machines[machine(two)].further == {ip, other["reserved_ip"]["ip"]}
    api.delete(f"/v2/reserved_ips/{ip}")
    assert served.machines.have(ip) == []
    assert served.machines.have(other["reserved_ip"]["ip"]) == [machine(two)]


@pytest.mark.parametrize("types", [["reboot"], ["power_cycle"], ["power_off", "power_on"], ["shutdown", "power_on"]])
def test_a_machine_keeps_its_reserved_ip_when_it_boots_again(served: Served, api: Api, types: list[str]) -> None:
    droplet = api.droplet()
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    assigned(api, ip, droplet["id"])
    for type in types:
        assert api.act(droplet["id"], type)["status"] == "completed"
    assert served.machines.have(ip) == [machine(droplet)]


def test_a_reserved_ip_of_a_machine_that_is_off_is_there_when_it_boots(served: Served, api: Api) -> None:
    droplet = api.droplet()
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    api.act(droplet["id"], "power_off")
    assert assigned(api, ip, droplet["id"])["status"] == "completed"
    assert served.machines.have(ip) == []
    api.act(droplet["id"], "power_on")
    assert served.machines.have(ip) == [machine(droplet)]


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


def test_a_reserved_ip_waits_for_no_droplet(served: Served, api: Api) -> None:
    ip = api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"]
    served.cloud.action_seconds = SLOW_SECONDS
    droplet = api.droplet(wait=False)
    body = {"type": "assign", "droplet_id": droplet["id"]}
    assert "pending event" in api.refused("POST", f"/v2/reserved_ips/{ip}/actions", body)
    assert "pending event" in api.refused("POST", "/v2/reserved_ips", {"droplet_id": droplet["id"]})
    api.unlocked(droplet["id"])
    assert assigned(api, ip, droplet["id"])["status"] == "completed"


def test_an_account_has_so_many_reserved_ips(api: Api) -> None:
    limit = api.get("/v2/account")["account"]["reserved_ip_limit"]
    made = [api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"] for _ in range(limit)]
    assert len(set(made)) == limit
    assert "limit" in api.refused("POST", "/v2/reserved_ips", {"region": "nyc3"})
    api.delete(f"/v2/reserved_ips/{made[0]}")
    assert api.post("/v2/reserved_ips", {"region": "nyc3"}, 202)["reserved_ip"]["ip"] == made[0]


def test_a_reserved_ip_made_for_a_droplet_is_freed_when_that_goes(api: Api) -> None:
    droplet = api.droplet()
    made = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, 202)
    api.done(made["links"]["actions"][0]["id"])
    path = f"/v2/reserved_ips/{made['reserved_ip']['ip']}"
    assert api.get(path)["reserved_ip"]["droplet"]["id"] == droplet["id"]
    api.destroy(droplet["id"])
    assert api.get(path)["reserved_ip"]["droplet"] is None


def test_a_reserved_ip_with_an_action_under_way_is_locked(served: Served, api: Api) -> None:
    droplet = api.droplet()
    served.cloud.action_seconds = SLOW_SECONDS
    ip = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, 202)["reserved_ip"]
    assert ip["locked"]
    for method, path in (("POST", f"/v2/reserved_ips/{ip['ip']}/actions"), ("DELETE", f"/v2/reserved_ips/{ip['ip']}")):
        assert "pending event" in api.refused(method, path, {"type": "assign", "droplet_id": droplet["id"]})
    until(lambda: api.get(f"/v2/reserved_ips/{ip['ip']}")["reserved_ip"]["locked"], lambda locked: not locked)


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
    assert api.put(path, {**POOL, "name": "other"})["autoscale_pool"]["name"] == "other"
    api.delete(path, 202)
    assert api.refused("GET", path, status=404)


@pytest.mark.parametrize(("field", "value"), [("image", "424242"), ("region", "moon1"), ("size", "s-99")])
def test_autoscale_pools_that_cannot_be(api: Api, field: str, value: str) -> None:
    template = {**POOL["droplet_template"], field: value}  # type: ignore[dict-item]
    assert f"invalid {field}" in api.refused("POST", "/v2/droplets/autoscale", {**POOL, "droplet_template": template})
    assert api.get("/v2/droplets/autoscale")["meta"]["total"] == 0
