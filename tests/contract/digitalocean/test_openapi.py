"""Every operation of the published contract is served, and answers as it says. Collected where the contract is present.

The other tests' responses are held against the contract too; this file makes sure that no operation is left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract import openapi
from tests.contract.served import Api, serving

NOT_OFFERED = [
    ("GET", "/v2/droplets/autoscale/{autoscale_pool_id}/history"),
    ("GET", "/v2/droplets/autoscale/{autoscale_pool_id}/members"),
    ("POST", "/v2/droplets/actions"),
    ("POST", "/v2/images"),  # custom images
    ("PUT", "/v2/droplets/autoscale/{autoscale_pool_id}"),
]
NOWHERE = {
    "{droplet_id}": "424242",
    "{image_id}": "424242",
    "{action_id}": "424242",
    "{snapshot_id}": "424242",
    "{ssh_key_identifier}": "424242",
    "{tag_id}": "nothing",
    "{reserved_ip}": "203.0.113.250",
    "{vpc_id}": "5a4981aa-9653-4bd1-bef5-d6bff52042e4",
    "{autoscale_pool_id}": "0d3db13e-a604-4944-9827-7ec2642d32ac",
}
TEMPLATE = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "ssh_keys": []}
POOL = {"name": "fleet", "config": {"min_instances": 1, "max_instances": 2}, "droplet_template": TEMPLATE}
BODY: dict[str, Any] = {**POOL, "type": "transfer", "resources": []}  # fits every operation


def _contract() -> openapi.Contract:
    known = openapi.contract()
    assert known is not None, "collected without a contract"
    return known


def test_every_operation_succeeds_as_the_contract_says(tmp_path: Path) -> None:
    succeeded: set[openapi.Operation] = set()

    def check(response: httpx.Response) -> None:
        _contract().check(response)
        operation = _contract().operation(response.request.method, response.request.url.path)
        if response.is_success and operation is not None:
            succeeded.add(operation)

    with serving(tmp_path, check) as served:
        _use_everything(served.api)
    assert [o for o in _contract().operations if o not in succeeded] == NOT_OFFERED


def test_what_is_not_there_is_a_404_of_the_contracts_shape(api: Api) -> None:
    for method, path in _contract().operations:
        if "{" in path or (method, path) in NOT_OFFERED:
            for parameter, value in NOWHERE.items():
                path = path.replace(parameter, value)
            assert api.refused(method, path, BODY, status=404), f"{method} {path}"


@pytest.mark.parametrize(
    ("status", "body", "headers", "message"),
    [
        (200, {"droplet": {"id": "text"}}, ["limit", "remaining", "reset"], "'text' is not of type 'integer'"),
        (404, {"id": "not_found"}, ["limit", "remaining", "reset"], "'message' is a required property"),
        (404, {"id": "not_found", "message": "x"}, ["limit", "reset"], "no header ratelimit-remaining"),
    ],
)
def test_a_wrong_answer_is_noticed(status: int, body: Any, headers: list[str], message: str) -> None:
    response = httpx.Response(
        status,
        json=body,
        headers={f"ratelimit-{header}": "1" for header in headers},
        request=httpx.Request("GET", "http://cloud.invalid/v2/droplets/1"),
    )
    with pytest.raises(AssertionError, match=message):
        _contract().check(response)


def _use_everything(api: Api) -> None:
    """A successful call of every operation."""
    key = api.key()
    api.put(f"/v2/account/keys/{key}", {"name": "renamed"})
    api.get(f"/v2/account/keys/{key}")
    droplet_id = api.droplet("one", ssh_keys=[key], tags=["every"], monitoring=True)["id"]
    image = api.snapshot("snap", droplet_id)
    for path in ("account", "account/keys", "actions", "regions", "sizes", "images", "snapshots", "tags", "vpcs"):
        api.get(f"/v2/{path}", per_page=1)
    action_id = api.get(f"/v2/droplets/{droplet_id}/actions")["actions"][0]["id"]
    api.get(f"/v2/droplets/{droplet_id}/actions/{action_id}")
    api.get("/v2/droplets")

    path = f"/v2/images/{image['id']}"
    action_id = api.post(f"{path}/actions", {"type": "transfer", "region": "sfo3"})["action"]["id"]
    api.get(f"{path}/actions/{action_id}")
    api.get(f"{path}/actions")
    api.put(path, {"name": "renamed"})
    api.get(f"/v2/snapshots/{image['id']}")
    _tags(api, image["id"])
    api.delete(path)
    api.delete(f"/v2/snapshots/{api.snapshot('another', droplet_id)['id']}")

    _networks(api, droplet_id)
    _pools(api)
    api.delete("/v2/droplets?tag_name=none")
    api.destroy(droplet_id)
    api.delete(f"/v2/account/keys/{key}")


def _tags(api: Api, image_id: int) -> None:
    resources = {"resources": [{"resource_id": str(image_id), "resource_type": "image"}]}
    api.post("/v2/tags", {"name": "role:web"})
    api.post("/v2/tags/role:web/resources", resources, 204)
    api.get("/v2/tags/role:web")
    api.delete("/v2/tags/role:web/resources", body=resources)
    api.delete("/v2/tags/role:web")


def _networks(api: Api, droplet_id: int) -> None:
    path = f"/v2/reserved_ips/{api.post('/v2/reserved_ips', {'region': 'nyc3'}, 202)['reserved_ip']['ip']}"
    action_id = api.post(f"{path}/actions", {"type": "assign", "droplet_id": droplet_id})["action"]["id"]
    api.done(action_id)
    api.get(f"{path}/actions/{action_id}")
    for each in ("/v2/reserved_ips", path, f"{path}/actions"):
        api.get(each)
    api.delete(path)
    vpc = f"/v2/vpcs/{api.post('/v2/vpcs', {'name': 'back', 'region': 'nyc3'})['vpc']['id']}"
    api.get(vpc)
    api.get(f"{vpc}/members")
    api.put(vpc, {"name": "behind"})
    assert api.http.patch(vpc, json={"description": "changed"}).status_code == 200
    api.delete(vpc)


def _pools(api: Api) -> None:
    for end in ("", "/dangerous"):
        path = f"/v2/droplets/autoscale/{api.post('/v2/droplets/autoscale', POOL, 202)['autoscale_pool']['id']}"
        for each in ("/v2/droplets/autoscale", path):
            api.get(each)
        api.delete(f"{path}{end}", 202)
