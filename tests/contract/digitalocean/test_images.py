"""Images and snapshots: taken, listed, renamed, transferred, deleted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.contract.fake_machines import SIZE
from tests.contract.served import SLOW_SECONDS, Api, Served
from tests.waiting import until


def test_a_snapshot_is_an_image_of_the_same_id(api: Api) -> None:
    api.snapshot("others")
    droplet_id = api.droplet()["id"]
    image = api.snapshot("web-2026", droplet_id)
    assert (image["name"], image["type"], image["public"], image["slug"]) == ("web-2026", "snapshot", False, None)
    assert (image["regions"], image["distribution"], image["status"]) == (["nyc3"], "Debian", "available")
    assert image["size_gigabytes"] == round(SIZE / 1e9, 2)
    snapshot = api.get(f"/v2/snapshots/{image['id']}")["snapshot"]
    assert (snapshot["id"], snapshot["resource_id"]) == (str(image["id"]), str(droplet_id))
    assert api.get(f"/v2/droplets/{droplet_id}")["droplet"]["snapshot_ids"] == [image["id"]]
    assert [s["id"] for s in api.get(f"/v2/droplets/{droplet_id}/snapshots")["snapshots"]] == [image["id"]]


def test_the_stock_image_by_slug_and_id(api: Api) -> None:
    image = api.get("/v2/images/debian-12-x64")["image"]
    assert (image["distribution"], image["public"], image["type"]) == ("Debian", True, "base")
    assert api.get("/v2/images/debian-10-x64")["image"]["status"] == "retired"
    assert [each["slug"] for each in api.get("/v2/images")["images"]] == ["debian-12-x64"], "without retired ones"
    assert api.get(f"/v2/images/{image['id']}")["image"] == image
    assert api.refused("DELETE", f"/v2/images/{image['id']}", status=403)
    assert api.refused("PUT", f"/v2/images/{image['id']}", {"name": "mine"}, status=403)
    assert api.refused("GET", f"/v2/snapshots/{image['id']}", status=400) == "the resource is not a snapshot"


def test_filters(api: Api) -> None:
    image = api.snapshot("one")
    api.post("/v2/tags", {"name": "role:web"})
    api.post("/v2/tags/role:web/resources", _resource(image["id"]), 204)

    def names(**query: str) -> list[str]:
        return [i["name"] for i in api.get("/v2/images", **query)["images"]]

    assert names() == ["12 x64", "one"]
    assert names(private="true") == ["one"]
    assert names(private="false") == ["12 x64", "one"]
    assert names(type="distribution") == ["12 x64"]
    assert names(type="application") == []
    assert names(tag_name="role:web") == ["one"]
    assert names(tag_name="role:api") == []
    assert [s["name"] for s in api.get("/v2/snapshots", resource_type="droplet")["snapshots"]] == ["one"]
    assert api.get("/v2/snapshots", resource_type="volume")["snapshots"] == []
    assert api.refused("GET", "/v2/images?type=odd")
    assert api.refused("GET", "/v2/snapshots?resource_type=odd")


def test_rename(api: Api) -> None:
    image = api.snapshot("one")
    changed = api.put(f"/v2/images/{image['id']}", {"name": "two", "description": "of today"})["image"]
    assert (changed["name"], changed["description"]) == ("two", "of today")
    assert api.get(f"/v2/snapshots/{image['id']}")["snapshot"]["name"] == "two"
    assert api.refused("PUT", f"/v2/images/{image['id']}", {"name": " "}) == "Name can't be blank"


def test_transfer_takes_time_and_adds_a_region(served: Served, api: Api) -> None:
    image = api.snapshot()
    served.cloud.work.seconds = SLOW_SECONDS
    path = f"/v2/images/{image['id']}/actions"
    began = time.monotonic()
    action = api.post(path, {"type": "transfer", "region": "fra1"})["action"]
    assert (action["status"], action["resource_type"], action["resource_id"]) == ("in-progress", "image", image["id"])
    assert api.get(f"/v2/images/{image['id']}")["image"]["regions"] == ["nyc3"]
    assert api.done(action["id"])["status"] == "completed"
    assert time.monotonic() - began >= SLOW_SECONDS
    assert api.get(f"/v2/images/{image['id']}")["image"]["regions"] == ["nyc3", "fra1"]
    assert api.get(f"{path}/{action['id']}")["action"]["id"] == action["id"]
    assert [a["id"] for a in api.get(path)["actions"]] == [action["id"]]
    assert api.droplet("there", image=image["id"], region="fra1")["region"]["slug"] == "fra1"
    several = [api.post(path, {"type": "transfer", "region": region})["action"]["id"] for region in ("sfo3", "ams3")]
    assert {api.done(each)["status"] for each in several} == {"completed"}
    assert set(api.get(f"/v2/images/{image['id']}")["image"]["regions"]) == {"nyc3", "fra1", "sfo3", "ams3"}


def test_image_actions_that_cannot_be(api: Api) -> None:
    path = f"/v2/images/{api.snapshot()['id']}/actions"
    for body, message in (
        ({"type": "transfer", "region": "nyc3"}, "already available in nyc3"),
        ({"type": "transfer", "region": "moon1"}, "invalid region"),
        ({"type": "transfer"}, "invalid region"),
        ({"type": "convert"}, "not an action of an image"),
    ):
        assert message in api.refused("POST", path, body)


@pytest.mark.parametrize("kind", ["images", "snapshots"])
def test_delete(served: Served, api: Api, kind: str) -> None:
    droplet_id = api.droplet()["id"]
    image = api.snapshot("gone", droplet_id)
    api.delete(f"/v2/{kind}/{image['id']}")
    for path in (f"/v2/images/{image['id']}", f"/v2/snapshots/{image['id']}"):
        assert api.refused("GET", path, status=404)
    assert api.refused("DELETE", f"/v2/{kind}/{image['id']}", status=404)
    assert api.get(f"/v2/droplets/{droplet_id}")["droplet"]["snapshot_ids"] == []
    until(lambda: [tag for tag in served.machines.images if tag.endswith(f":{image['id']}")], lambda tags: not tags)


def test_an_image_in_use_may_be_deleted_and_its_droplet_lives_on(served: Served, api: Api) -> None:
    image = api.snapshot()
    droplet = api.droplet("user", image=image["id"])
    tag = served.machines.machines[f"droplet-{droplet['id']}"].image
    api.delete(f"/v2/images/{image['id']}")
    shown = api.get(f"/v2/droplets/{droplet['id']}")["droplet"]
    assert (shown["status"], shown["image"]["id"]) == ("active", image["id"])
    assert tag in served.machines.images
    api.destroy(droplet["id"])
    until(lambda: tag in served.machines.images, lambda there: not there)


def _resource(image_id: int) -> dict[str, Any]:
    return {"resources": [{"resource_id": str(image_id), "resource_type": "image"}]}
