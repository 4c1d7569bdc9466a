"""The account: its token, keys, regions and sizes; pages and rate limits, which all lists and answers have."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import paramiko
import pytest

from bakewell.clouds.facts import CLOUDS
from bakewell.errors import BakewellError
from bakewell_local.sandbox import ssh_key
from bakewell_local.sandbox.digitalocean.api import account
from tests.contract.served import KEY, Api, Served


def test_without_the_token_everything_but_the_health_check_is_refused(served: Served) -> None:
    with httpx.Client(base_url=served.api.endpoint, verify=False) as http:
        for header in ("", "Bearer wrong", "Basic bG9jYWw6", "local-test-token"):
            for path in ("/v2/account", "/v2/droplets", "/v2/nothing", "/sandbox/calls", "/sandbox/faults"):
                response = http.get(path, headers={"Authorization": header} if header else {})
                assert response.status_code == 401, (header, path)
                error = response.json()
                assert (error["id"], error["message"]) == ("Unauthorized", "Unable to authenticate you")
        assert http.get("/sandbox/health").json()["cloud_id"] == served.cloud.cloud_id


def test_account(api: Api) -> None:
    ours = api.get("/v2/account")["account"]
    assert (ours["status"], ours["email_verified"]) == ("active", True)
    assert ours["droplet_limit"] >= 25


def test_keys(api: Api) -> None:
    key = api.post("/v2/account/keys", {"name": "one", "public_key": KEY})["ssh_key"]
    assert key["fingerprint"].count(":") == 15
    for identifier in (key["id"], key["fingerprint"]):
        assert api.get(f"/v2/account/keys/{identifier}")["ssh_key"] == key
    assert api.get("/v2/account/keys")["ssh_keys"] == [key]
    assert api.put(f"/v2/account/keys/{key['id']}", {"name": "two"})["ssh_key"]["name"] == "two"
    api.delete(f"/v2/account/keys/{key['fingerprint']}")
    assert api.refused("GET", f"/v2/account/keys/{key['id']}", status=404)
    assert api.refused("DELETE", f"/v2/account/keys/{key['id']}", status=404)


def test_the_owners_key_is_in_the_account_under_its_name(served: Served, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "id_ed25519"
    public = ssh_key.ensure(file)
    assert ssh_key.ensure(file) == public
    assert public.split()[0] == "ssh-ed25519"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert paramiko.Ed25519Key.from_private_key_file(str(file)).get_base64() == public.split()[1]

    def registered() -> Any:
        account.register(served.cloud, ssh_key.NAME, ssh_key.ensure(file))
        (key,) = api.get("/v2/account/keys")["ssh_keys"]
        assert (key["name"], key["public_key"]) == ("local-cloud", public)
        return key

    key = registered()
    assert registered() == key
    api.put(f"/v2/account/keys/{key['id']}", {"name": "another"})
    assert registered() == key
    api.delete(f"/v2/account/keys/{key['id']}")
    assert registered()["fingerprint"] == key["fingerprint"]


def test_what_is_no_key_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "id_ed25519"
    file.write_text("mine\n")
    with pytest.raises(BakewellError, match="no OpenSSH key without a passphrase") as refused:
        ssh_key.ensure(file)
    assert (refused.value.file, file.read_text()) == (str(file), "mine\n")
    assert "remove it" in refused.value.remedy


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "again", "public_key": f"{KEY} other comment"}, "SSH Key is already in use on your account"),
        ({"name": "odd", "public_key": "not a key"}, "Key invalid"),
        ({"name": "odd", "public_key": "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA"}, "Key invalid"),
        ({"name": "odd", "public_key": ""}, "Key invalid"),
        ({"name": " ", "public_key": KEY}, "Name can't be blank"),
        ({"public_key": KEY}, "name: Field required"),
    ],
)
def test_keys_that_cannot_be(api: Api, body: dict[str, Any], message: str) -> None:
    api.key()
    assert message in api.refused("POST", "/v2/account/keys", body)
    assert api.get("/v2/account/keys")["meta"]["total"] == 1


def test_a_body_that_is_no_json(api: Api) -> None:
    response = api.http.post("/v2/account/keys", content="{", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["id"]) == (400, "bad_request")


def test_regions_and_sizes(api: Api) -> None:
    regions = {r["slug"]: r for r in api.get("/v2/regions")["regions"]}
    sizes = {s["slug"]: s for s in api.get("/v2/sizes")["sizes"]}
    assert {"nyc1", "nyc3", "sfo3", "ams3", "fra1"} <= regions.keys()
    assert {"s-1vcpu-512mb-10gb", "s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb"} <= sizes.keys()
    for slug, region in regions.items():
        assert set(region["sizes"]) == {size["slug"] for size in sizes.values() if slug in size["regions"]}
    sold_out = sizes["s-1vcpu-3gb"]
    assert (sold_out["available"], sold_out["regions"]) == (False, [])
    assert all(size["available"] and size["regions"] for size in sizes.values() if size is not sold_out)


def test_builders_of_every_memory_can_be_had(api: Api) -> None:
    known = {size["slug"] for size in api.get("/v2/sizes")["sizes"] if "nyc3" in size["regions"]}
    assert {one.name for one in CLOUDS["digitalocean"].types["x86_64"]} <= known


def test_pages_and_their_links(api: Api) -> None:
    api.droplet(tags=[f"tag-{n}" for n in range(5)])
    first = api.get("/v2/tags", per_page=2)
    assert [t["name"] for t in first["tags"]] == ["tag-0", "tag-1"]
    assert first["meta"] == {"total": 5}
    assert _pages(first) == {"next": 2, "last": 3}
    middle = api.http.get(first["links"]["pages"]["next"]).json()
    assert [t["name"] for t in middle["tags"]] == ["tag-2", "tag-3"]
    assert _pages(middle) == {"first": 1, "prev": 1, "next": 3, "last": 3}
    last = api.http.get(middle["links"]["pages"]["last"]).json()
    assert [t["name"] for t in last["tags"]] == ["tag-4"]
    assert _pages(last) == {"first": 1, "prev": 2}
    assert api.get("/v2/tags", page=9, per_page=2)["tags"] == []
    assert api.get("/v2/tags")["links"] == {}


def test_links_keep_the_filters(api: Api) -> None:
    for name in ("a", "b"):
        api.droplet(name, tags=["role:web"])
    link = api.get("/v2/droplets", tag_name="role:web", per_page=1)["links"]["pages"]["next"]
    assert parse_qs(urlsplit(link).query) == {"tag_name": ["role:web"], "per_page": ["1"], "page": ["2"]}


def test_a_page_holds_20_if_not_told_and_200_at_most(api: Api) -> None:
    api.droplet(tags=[f"tag-{n}" for n in range(201)])
    assert len(api.get("/v2/tags")["tags"]) == 20
    most = api.get("/v2/tags", per_page=1000)
    assert len(most["tags"]) == 200
    assert _pages(most) == {"next": 2, "last": 2}


def test_pages_that_cannot_be(api: Api) -> None:
    for query in ("page=0", "page=x", "per_page=0", "per_page=-1"):
        assert "must be a positive integer" in api.refused("GET", f"/v2/tags?{query}")


def test_every_answer_tells_the_rate_limit(api: Api) -> None:
    def remaining(path: str, status: int) -> int:
        response = api.http.get(path)
        assert response.status_code == status
        assert response.headers["ratelimit-limit"] == "5000"
        assert int(response.headers["ratelimit-reset"]) > 1_700_000_000
        return int(response.headers["ratelimit-remaining"])

    assert remaining("/v2/account", 200) - remaining("/v2/droplets/1", 404) == 1


def _pages(body: dict[str, Any]) -> dict[str, int]:
    return {rel: int(parse_qs(urlsplit(link).query)["page"][0]) for rel, link in body["links"]["pages"].items()}
