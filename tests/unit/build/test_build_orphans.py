"""Who is dead and who is only elsewhere: what the reaper takes and what it must not touch."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bakewell.build import orphans, runs
from bakewell.clouds import BUILDER
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.errors import CloudError
from bakewell.image import READY, Identity, Image, new_run, tag
from sandbox.digitalocean.api import images
from sandbox.digitalocean.api.images import image_view
from tests.contract.served import KEY, TOKEN
from tests.unit.build.conftest import Said, Site
from tests.waiting import until

PAST, FUTURE = int(time.time()) - 60, int(time.time()) + 3600


def identity(run: str, project: str = "bakewell") -> Identity:
    return Identity(project, "base", "f" * 64, run, None, "nyc3")


def builder(site: Site, run: str, lease: int, project: str = "bakewell") -> int:
    """A machine as a build makes it."""
    tags = [*identity(run, project).tags(), tag("lease", str(lease)), BUILDER]
    return int(site.served.api.droplet(f"builder-{run}", tags=tags)["id"])


def snapshot(site: Site, run: str, lease: int | None, *more: str) -> str:
    """A tagged image."""
    image = str(site.served.api.snapshot(f"bakewell-base-{run}")["id"])
    leases = [tag("lease", str(lease))] if lease else []
    site.cloud.tag(image, [*identity(run).tags(), *leases, *more])
    return image


def record(site: Site, run: str, **changes: Any) -> runs.Record:
    given: dict[str, Any] = {
        "run": run,
        "project": "bakewell",
        "role": "base",
        "cloud": "digitalocean",
        "endpoint": site.environment.endpoint,
        "name": f"bakewell-base-{run}",
        "fingerprint": "f" * 64,
        "lease": FUTURE,
    }
    return runs.Record(**(given | changes))


def dead_here(site: Site, run: str, **changes: Any) -> None:
    """A run of this host that died."""
    runs.begin(site.state, record(site, run, **changes)).release()


def reap(site: Site, said: Said, later: float = 0) -> int:
    """Reap, `later` seconds from now."""
    site.served.clock.ahead = later
    return orphans.reap(site.cloud, site.environment.endpoint, "bakewell", site.state, said.append)


def machines(site: Site) -> list[int]:
    return [d["id"] for d in site.served.api.get("/v2/droplets")["droplets"]]


def gone(site: Site, machine: int) -> None:
    until(lambda: machine in machines(site), lambda there: not there)


def test_a_machine_whose_lease_ran_out_goes(site: Site, said: Said) -> None:
    machine = builder(site, new_run(), PAST)
    assert reap(site, said) == 1
    gone(site, machine)


def test_a_colleagues_machine_whose_lease_runs_stays(site: Site, said: Said) -> None:
    machine = builder(site, new_run(), FUTURE)
    assert reap(site, said) == 0
    assert machine in machines(site)


def test_a_run_that_died_here_goes_although_its_lease_runs(site: Site, said: Said) -> None:
    run = new_run()
    dead_here(site, run)
    machine = builder(site, run, FUTURE)
    assert reap(site, said) == 1
    gone(site, machine)


def test_a_run_whose_lock_is_held_stays_although_its_lease_ran_out(site: Site, said: Said) -> None:
    run = new_run()
    held = runs.begin(site.state, record(site, run))
    machine = builder(site, run, PAST)
    assert reap(site, said) == 0
    assert machine in machines(site)
    held.release()


def test_other_projects_and_machines_that_are_no_builders_stay(site: Site, said: Said) -> None:
    other = builder(site, new_run(), PAST, project="other")
    api = site.served.api
    plain = api.droplet("web-1", tags=["bakewell:role:web", "bakewell:project:bakewell"])["id"]
    marked = api.droplet("odd", tags=[BUILDER])["id"]
    assert reap(site, said) == 0
    assert set(machines(site)) == {other, plain, marked}


def test_a_run_recorded_for_another_api_is_not_judged(site: Site, said: Said) -> None:
    run = new_run()
    dead_here(site, run, endpoint="https://api.digitalocean.com")
    machine = builder(site, run, FUTURE)
    assert reap(site, said) == 0
    assert machine in machines(site)
    assert f"{run}.lock" in site.runs()


def test_unfinished_images_and_keys_go_with_their_run_and_finished_ones_stay(site: Site, said: Said) -> None:
    dead, alive = new_run(), new_run()
    unfinished = snapshot(site, dead, PAST)
    finished = snapshot(site, new_run(), PAST, READY)
    building = snapshot(site, alive, FUTURE)
    site.cloud.create_key(f"bakewell-{dead}-{PAST}", KEY)
    assert reap(site, said) == 2
    ids = {image.id for image in site.cloud.images("bakewell")}
    assert ids == {finished, building} and unfinished not in ids
    assert site.cloud.build_keys() == []


def test_a_finished_image_stays_while_the_cloud_is_busy_with_it(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "image_view", lambda image: image_view(image) | {"status": "pending"})
    run = new_run()
    dead_here(site, run)
    kept = [snapshot(site, new_run(), PAST, READY), snapshot(site, run, None, READY)]
    assert [image.ready for image in site.cloud.images("bakewell")] == [False, False]
    assert reap(site, said) == 0
    assert {image.id for image in site.cloud.images("bakewell")} == set(kept)


@pytest.mark.parametrize("used", [True, False])
def test_a_finished_image_that_lost_its_ready_tag_stays_and_is_spoken_of(site: Site, said: Said, used: bool) -> None:
    image = snapshot(site, new_run(), None, READY)
    site.served.api.delete(f"/v2/tags/{READY}")  # `doctl compute tag delete`: off everything that carries it
    if used:
        site.served.api.droplet("web-1", image=int(image))
    assert reap(site, said) == 0 and said == []
    assert reap(site, said, later=2 * 365 * 24 * 3600) == 0
    assert [line for line in said if image in line and "neither the ready tag nor a lease" in line] == said != []
    assert site.cloud.image(image) is not None


def test_an_unfinished_image_that_something_boots_from_stays(site: Site, said: Said) -> None:
    kept, gone_one = snapshot(site, new_run(), PAST), snapshot(site, new_run(), PAST)
    site.served.api.droplet("web-1", image=int(kept))
    assert reap(site, said) == 1
    assert [image.id for image in site.cloud.images("bakewell")] == [kept] != [gone_one]
    assert any("in use by droplet web-1" in line for line in said)


def test_who_uses_images_is_asked_only_where_one_would_go(site: Site, said: Said) -> None:
    snapshot(site, new_run(), PAST, READY)
    snapshot(site, new_run(), FUTURE)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    site.served.api.http.delete("/sandbox/calls", headers=headers)
    reap(site, said)
    calls = site.served.api.http.get("/sandbox/calls", headers=headers).json()["calls"]
    assert calls and "/v2/droplets/autoscale" not in {call["path"] for call in calls}


def test_an_image_finished_since_it_was_listed_stays(site: Site, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    image, listed = snapshot(site, new_run(), PAST), DigitalOcean.images

    def finished_then(cloud: DigitalOcean, project: str) -> list[Image]:
        found = listed(cloud, project)
        cloud.tag(image, [READY])
        return found

    monkeypatch.setattr(DigitalOcean, "images", finished_then)
    assert reap(site, said) == 0
    assert site.cloud.image(image) is not None


def test_a_finished_image_whose_other_tags_are_broken_stays_with_its_builder_or_record(site: Site, said: Said) -> None:
    run, api = new_run(), site.served.api
    dead_here(site, run)
    named = api.snapshot(f"bakewell-base-{run}")["id"]
    taken = api.snapshot("anything", droplet_id=builder(site, run, PAST))["id"]
    for image in (named, taken):
        site.cloud.tag(str(image), [*(t for t in identity(run).tags() if not t.startswith("bakewell:role")), READY])
    assert reap(site, said) == 1, "the builder"
    assert {i["id"] for i in api.get("/v2/images", private="true")["images"]} == {named, taken}


def test_a_dead_gpu_builder_goes(site: Site, said: Said) -> None:
    tags = [*identity(new_run()).tags(), tag("lease", str(PAST)), BUILDER]
    machine = int(site.served.api.droplet("trainer", size="gpu-h100x1-80gb", tags=tags)["id"])
    assert machine not in machines(site), "it is in another list"
    assert reap(site, said) == 1
    until(lambda: site.served.api.get("/v2/droplets", type="gpus")["droplets"], lambda left: not left)


def test_keys_of_people_and_of_live_builds_stay(site: Site, said: Said) -> None:
    api, other = site.served.api, KEY.replace("IMIuQ1", "IMIuQ2")
    api.post("/v2/account/keys", {"name": "bakewell-laptop", "public_key": KEY})
    site.cloud.create_key(f"bakewell-{new_run()}-{FUTURE}", other)
    assert reap(site, said) == 0
    assert len(api.get("/v2/account/keys")["ssh_keys"]) == 2


def test_the_untagged_snapshot_of_a_dead_builder_goes_with_it(site: Site, said: Said) -> None:
    run = new_run()
    machine = builder(site, run, PAST)
    image = site.served.api.snapshot("anything", droplet_id=machine)["id"]
    assert reap(site, said) == 2
    gone(site, machine)
    assert site.cloud.image(str(image)) is None


def test_a_finished_snapshot_of_a_dead_builder_stays(site: Site, said: Said) -> None:
    run = new_run()
    machine = builder(site, run, PAST)
    image = str(site.served.api.snapshot("anything", droplet_id=machine)["id"])
    site.cloud.tag(image, [*identity(run).tags(), READY])
    assert reap(site, said) == 1
    gone(site, machine)
    assert site.cloud.image(image) is not None


def test_a_pending_snapshot_is_waited_for_and_removed(site: Site, said: Said) -> None:
    machine = builder(site, new_run(), PAST)
    site.served.api.act(machine, "power_off")
    site.served.api.post(f"/v2/droplets/{machine}/actions", {"type": "snapshot", "name": "late"})
    assert reap(site, said) == 2
    gone(site, machine)
    assert site.served.api.get("/v2/images", private="true")["images"] == []


def test_an_untagged_snapshot_is_known_by_the_name_on_record(site: Site, said: Said) -> None:
    run = new_run()
    dead_here(site, run)
    api = site.served.api
    for name in (f"bakewell-base-{run}", "bakewell-base-of-somebody-else"):
        made = api.snapshot(name)
        assert made["tags"] == []
    assert reap(site, said) == 1
    assert [i["name"] for i in api.get("/v2/images", private="true")["images"]] == ["bakewell-base-of-somebody-else"]


def test_a_run_is_forgotten_only_when_nothing_of_it_was_found(site: Site, said: Said) -> None:
    run = new_run()
    dead_here(site, run)
    machine = builder(site, run, FUTURE)
    assert orphans.waiting(site.environment.endpoint, "bakewell", site.state)
    assert reap(site, said) == 1
    assert site.runs() == [f"{run}.lock"]
    gone(site, machine)
    assert reap(site, said) == 0
    assert site.runs() == []
    assert not orphans.waiting(site.environment.endpoint, "bakewell", site.state)


def test_unused_tags_go_and_used_ones_stay(site: Site, said: Said) -> None:
    image = snapshot(site, "a" * 12, None, READY)
    api = site.served.api
    shared = ("bakewell:role:old", "bakewell:project:old", "bakewell:home:ams3", "bakewell:revoked", "somebodys")
    for name in ("bakewell:run:dead", "bakewell:lease:1", "bakewell:parent:p", "bakewell:fingerprint:f", *shared):
        api.post("/v2/tags", {"name": name})
    reap(site, said)
    names = {t["name"] for t in api.get("/v2/tags", per_page=200)["tags"]}
    assert names == {*identity("a" * 12).tags(), READY, *shared}
    assert site.cloud.image(image) is not None


@pytest.mark.parametrize("path", ["/v2/droplets", "/v2/images", "/v2/account/keys"])
def test_what_cannot_be_read_ends_it_and_the_record_stays(site: Site, said: Said, path: str) -> None:
    run = new_run()
    dead_here(site, run)
    site.served.api.post("/sandbox/faults", {"effect": "status", "status": 403, "method": "GET", "path": path})
    with pytest.raises(CloudError):
        reap(site, said)
    assert site.runs() == [f"{run}.lock"]
    assert orphans.waiting(site.environment.endpoint, "bakewell", site.state), "its lock is free again"
