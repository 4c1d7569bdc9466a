"""Tags on droplets and images."""

from __future__ import annotations

from typing import Any

from tests.contract.served import Api


def test_tags_are_made_by_droplets_or_before_they_are_put_on_and_count_what_carries_them(api: Api) -> None:
    droplet = api.droplet(tags=["bakewell:run:abc", "both"])
    assert droplet["tags"] == ["bakewell:run:abc", "both"]
    image = api.snapshot()
    resources = _resources(image=image["id"])
    assert api.refused("POST", "/v2/tags/role:web/resources", resources, status=404)
    assert api.post("/v2/tags", {"name": "role:web"})["tag"]["resources"]["count"] == 0
    api.post("/v2/tags/role:web/resources", resources, 204)
    api.post("/v2/tags/both/resources", _resources(droplet=droplet["id"], image=image["id"]), 204)
    for view in (api.get(f"/v2/images/{image['id']}")["image"], api.get(f"/v2/snapshots/{image['id']}")["snapshot"]):
        assert view["tags"] == ["role:web", "both"]
    tag = api.get("/v2/tags/both")["tag"]["resources"]
    assert (tag["count"], tag["droplets"]["count"], tag["images"]["count"]) == (2, 1, 1)
    api.delete("/v2/tags/both/resources", body=resources)
    assert api.get("/v2/tags/both")["tag"]["resources"]["count"] == 1
    assert api.get(f"/v2/images/{image['id']}")["image"]["tags"] == ["role:web"]


def test_deleting_a_tag_takes_it_off_everything(api: Api) -> None:
    droplet = api.droplet(tags=["gone", "stays"])
    api.delete("/v2/tags/gone")
    assert api.refused("GET", "/v2/tags/gone", status=404)
    assert api.refused("DELETE", "/v2/tags/gone", status=404)
    assert api.get(f"/v2/droplets/{droplet['id']}")["droplet"]["tags"] == ["stays"]


def test_names_that_differ_in_case_are_one_tag(api: Api) -> None:
    api.post("/v2/tags", {"name": "Web"})
    assert api.post("/v2/tags", {"name": "WEB"})["tag"]["name"] == "Web"
    assert api.droplet(tags=["web"])["tags"] == ["Web"]
    assert api.get("/v2/droplets", tag_name="wEB")["meta"]["total"] == 1


def test_illegal_names(api: Api) -> None:
    for name in ("", "two words", "dot.ted", "a/b", "x" * 256):
        response = api.http.post("/v2/tags", json={"name": name})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_argument"), name
    assert api.get("/v2/tags")["tags"] == []


def test_what_cannot_be_tagged(api: Api) -> None:
    api.post("/v2/tags", {"name": "web"})
    assert api.refused("POST", "/v2/tags/web/resources", _resources(image=424242), status=404)
    assert "volume" in api.refused("POST", "/v2/tags/web/resources", _resources(volume=1))


def _resources(**ids: int) -> dict[str, Any]:
    return {"resources": [{"resource_id": str(id), "resource_type": kind} for kind, id in ids.items()]}
