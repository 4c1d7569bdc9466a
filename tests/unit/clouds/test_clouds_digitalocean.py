"""The verbs, against the local cloud's API."""

from __future__ import annotations

import time

import pytest

from bakewell.clouds import connect
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.clouds.digitalocean.answers import TAGS, Tag
from bakewell.clouds.digitalocean.api import Page, Refused
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, AccountKey
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY, REVOKED, Identity, tag
from bakewell.settings import Environment, Settings
from tests.contract.served import KEY, Served

WHO = Identity("bakewell", "web", "f" * 64, "0123456789ab", "ba9876543210", "nyc3")


def image(served: Served, cloud: DigitalOcean, *more: str, who: Identity = WHO) -> str:
    made = str(served.api.snapshot("bakewell-web")["id"])
    cloud.images.tag(made, [*who.tags(), *more])
    return made


def test_an_image_is_what_its_tags_say(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY, REVOKED)
    image(served, cloud, READY, who=Identity("other", "web", "f" * 64, "0123456789ab", None, "nyc3"))
    served.api.snapshot("untagged")
    (found,) = cloud.images.of("bakewell")
    assert (found.id, found.name, found.identity, found.ready, found.revoked) == (made, "bakewell-web", WHO, True, True)
    assert found.regions == ("nyc3",) and found.size_gb > 0 and found.created_at.tzinfo is not None
    assert cloud.images.get(made) == found
    assert cloud.images.get("987654") is None
    cloud.images.delete("987654")  # gone already: no error


def test_an_unfinished_image_has_a_lease(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, tag("lease", "1900000000"))
    (found,) = cloud.images.of("bakewell")
    assert not found.ready and found.lease == 1900000000
    cloud.images.tag(made, [READY])
    assert [i.lease for i in cloud.images.of("bakewell")] == [None]


def test_tags_come_and_go(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud)
    cloud.images.tag(made, [READY])
    cloud.images.tag(made, [READY])
    cloud.images.untag(made, [READY, tag("lease", "1")])
    found = cloud.images.get(made)
    assert found is not None and READY not in found.tags


def names(cloud: DigitalOcean) -> set[str]:
    return {item.name for item in cloud.api.glance("/v2/tags", TAGS)}


def test_unused_tags_are_deleted_and_nothing_else(served: Served, cloud: DigitalOcean) -> None:
    image(served, cloud)
    served.api.post("/v2/tags", {"name": tag("lease", "1")})
    for name in ("somebodys", READY, *(tag(key, "x") for key in ("project", "role", "home", "other"))):
        served.api.post("/v2/tags", {"name": name})
    assert cloud.tag_objects.delete_unused([tag("lease", "1"), tag("run", WHO.run), tag("role", "x")]) == 1
    before = names(cloud)
    cloud.remains.sweep(WHO.project)
    assert names(cloud) == before
    for key in ("run", "lease", "parent", "fingerprint"):
        served.api.post("/v2/tags", {"name": tag(key, "x")})
    cloud.remains.sweep(WHO.project)
    assert names(cloud) == before


def test_a_tag_that_came_into_use_since_it_was_listed_stays(
    served: Served, cloud: DigitalOcean, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, listed = image(served, cloud), cloud.api.glance
    served.api.post("/v2/tags", {"name": tag("fingerprint", "x")})

    def used_then(path: str, page: type[Page[Tag]]) -> list[Tag]:
        found = listed(path, page)
        cloud.images.tag(made, [tag("fingerprint", "x")])
        return found

    monkeypatch.setattr(cloud.api, "glance", used_then)
    cloud.remains.sweep(WHO.project)
    assert tag("fingerprint", "x") in (cloud.images.tags(made) or ())


def test_all_tags_of_an_image_are_told_whoever_owns_it(served: Served, cloud: DigitalOcean) -> None:
    made = str(served.api.snapshot("somebodys")["id"])
    assert cloud.images.tags(made) == ()
    cloud.images.tag(made, ["theirs"])
    assert cloud.images.tags(made) == ("theirs",)
    assert cloud.images.tags("987654") is None


def test_leftovers_are_found_by_name_unless_they_have_an_identity(served: Served, cloud: DigitalOcean) -> None:
    image(served, cloud)
    made = served.api.snapshot("bakewell-late")["id"]
    assert [(one.id, one.name) for one in cloud.remains.untagged(["bakewell-late", "bakewell-web"])] == [
        (str(made), "bakewell-late")
    ]
    assert cloud.remains.untagged([]) == []


def test_droplets_refer_to_their_images_with_a_gpu_too(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY)
    droplet = served.api.droplet("web-1", image=int(made))["id"]
    trainer = served.api.droplet("trainer", image=int(made), size="gpu-h100x1-80gb")["id"]
    users = {("droplet", str(droplet), "web-1"), ("droplet", str(trainer), "trainer")}
    assert {(r.kind, r.id, r.name) for r in cloud.references.all() if r.image_id == made} == users


def test_builders_are_machines_with_identity_and_mark(served: Served, cloud: DigitalOcean) -> None:
    served.api.droplet("plain", tags=[*WHO.tags()])
    served.api.droplet("marked", tags=[BUILDER])
    served.api.droplet("leased", tags=[*WHO.tags(), BUILDER, tag("lease", "1900000000")])
    served.api.droplet("unleased", tags=[*WHO.tags(), BUILDER])
    served.api.droplet("trainer", size="gpu-h100x1-80gb", tags=[*WHO.tags(), BUILDER])
    served.api.droplet("plain-trainer", size="gpu-h100x1-80gb", tags=[*WHO.tags()])
    found = {b.name: b for b in cloud.builders.of("bakewell")}
    assert set(found) == {"leased", "unleased", "trainer"}
    assert found["leased"].lease == 1900000000
    assert abs(found["unleased"].lease - time.time() - LEASE_SECONDS) < 60


def test_settling_waits_for_the_snapshot_and_names_it(served: Served, cloud: DigitalOcean) -> None:
    droplet = served.api.droplet("builder")["id"]
    served.api.act(droplet, "power_off")
    served.api.post(f"/v2/droplets/{droplet}/actions", {"type": "snapshot", "name": "late"})
    (snapshot,) = cloud.builders.settle(str(droplet))
    assert served.api.get(f"/v2/images/{snapshot}")["image"]["name"] == "late"
    assert cloud.builders.settle("987654") == []


def test_keys_of_builds_are_told_by_their_names(served: Served, cloud: DigitalOcean) -> None:
    made = cloud.keys.create("bakewell-0123456789ab-1900000000", KEY)
    (key,) = cloud.keys.all()
    assert (key.id, key.run, key.lease) == (made, "0123456789ab", 1900000000)
    assert AccountKey(made, "bakewell-0123456789ab-1900000000") in cloud.account_keys.all()
    cloud.keys.delete(made)
    cloud.keys.delete(made)
    assert cloud.keys.all() == []


def test_a_copy_is_waited_for_and_made_once(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY)
    cloud.images.copy(made, "sfo3")
    assert cloud.images.regions(made) == ("nyc3", "sfo3")
    before = len(served.api.get(f"/v2/images/{made}/actions")["actions"])
    cloud.images.copy(made, "sfo3")
    assert len(served.api.get(f"/v2/images/{made}/actions")["actions"]) == before


def test_a_copy_goes_on_where_an_interrupted_one_stopped(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY)
    served.api.post(f"/v2/images/{made}/actions", {"type": "transfer", "region": "sfo3"})
    cloud.images.copy(made, "sfo3")
    assert cloud.images.regions(made) == ("nyc3", "sfo3")


def test_a_copy_that_an_interrupted_one_finished_meanwhile(
    served: Served, cloud: DigitalOcean, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(served, cloud, READY)
    look, seen = cloud.images.regions, [cloud.images.regions(made)]
    cloud.images.copy(made, "sfo3")
    # At its first look it sees what was there before that one ended.
    monkeypatch.setattr(cloud.images, "regions", lambda image: seen.pop() if seen else look(image))
    cloud.images.copy(made, "sfo3")
    assert seen == [] and look(made) == ("nyc3", "sfo3")


def test_a_copy_that_is_refused_though_no_other_runs(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY)
    with pytest.raises(Refused, match="invalid region"):
        cloud.images.copy(made, "nowhere")


def test_a_copy_that_fails_is_an_error(served: Served, cloud: DigitalOcean) -> None:
    made = image(served, cloud, READY)
    served.api.post(
        "/sandbox/faults", {"effect": "action_errored", "method": "POST", "path": f"/v2/images/{made}/actions"}
    )
    with pytest.raises(CloudError, match="transfer of image"):
        cloud.images.copy(made, "sfo3")


def test_a_stock_image_is_described_for_the_lock(cloud: DigitalOcean) -> None:
    stock = cloud.bases.stock("debian-12-x64")
    assert stock.name and len(stock.date) == 10 and "nyc3" in stock.ids


def test_connecting_wants_a_known_cloud_and_a_token(served: Served) -> None:
    environment = Environment.read({"DIGITALOCEAN_API_URL": served.api.endpoint, "HOME": "/nowhere"})
    with pytest.raises(ConfigError, match="DIGITALOCEAN_TOKEN"):
        connect("digitalocean", environment, Settings())
    with pytest.raises(ConfigError, match="unknown cloud"):
        connect("nimbus", environment, Settings())
