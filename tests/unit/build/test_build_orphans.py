"""Who is dead and who is only elsewhere: what the reaper takes and what it must not touch."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bakewell.build import orphans, runs
from bakewell.clouds.digitalocean.images import Images
from bakewell.clouds.resources import BUILDER
from bakewell.errors import CloudError
from bakewell.image import READY, Identity, Image, new_run, tag
from bakewell_local.sandbox.digitalocean.api import images
from bakewell_local.sandbox.digitalocean.api.images import image_view
from tests.contract.served import KEY
from tests.unit.build.conftest import Said, Site
from tests.unit.build.test_build_flow import calls
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
    site.cloud.images.tag(image, [*identity(run).tags(), *leases, *more])
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


def test_builders_of_dead_runs_go_and_no_other_machine(site: Site, said: Said) -> None:
    """Of a run of this host its lock says whether it lives, of any other run its lease."""
    died, lives, elsewhere = new_run(), new_run(), new_run()
    dead_here(site, died)
    held = runs.begin(site.state, record(site, lives))
    dead_here(site, elsewhere, endpoint="https://api.digitalocean.com")
    api = site.served.api
    stay = {
        "its lease runs": builder(site, new_run(), FUTURE),
        "its lock is held": builder(site, lives, PAST),
        "it is recorded for another API": builder(site, elsewhere, FUTURE),
        "it is another project's": builder(site, new_run(), PAST, project="other"),
        "it is no builder": api.droplet("web-1", tags=["bakewell:role:web", "bakewell:project:bakewell"])["id"],
        "it has no identity": api.droplet("odd", tags=[BUILDER])["id"],
    }
    builder(site, new_run(), PAST)
    builder(site, died, FUTURE)
    tags = [*identity(new_run()).tags(), tag("lease", str(PAST)), BUILDER]
    gpu = api.droplet("trainer", size="gpu-h100x1-80gb", tags=tags)
    assert int(gpu["id"]) not in machines(site), "it is in another list"
    assert reap(site, said) == 3
    until(lambda: set(machines(site)), lambda left: left == set(stay.values()))
    until(lambda: api.get("/v2/droplets", type="gpus")["droplets"], lambda left: not left)
    assert f"{elsewhere}.lock" in site.runs()
    held.release()


def test_unfinished_images_keys_and_tags_of_dead_runs_go_and_no_others(site: Site, said: Said) -> None:
    dead, alive, recorded, used = (new_run() for _ in range(4))
    api, builders = site.served.api, [builder(site, run, PAST) for run in (new_run(), new_run())]
    dead_here(site, recorded)
    snapshot(site, dead, PAST)
    api.snapshot(f"bakewell-base-{recorded}")  # without tags: known by the name on record
    api.snapshot("anything", droplet_id=builders[0])
    finished = str(api.snapshot("anything else", droplet_id=builders[1])["id"])
    site.cloud.images.tag(finished, [*identity(new_run()).tags(), READY])
    stay = {
        "it is finished": snapshot(site, new_run(), PAST, READY),
        "it is finished, its builder dead": finished,
        "its lease runs": snapshot(site, alive, FUTURE),
        "something boots from it": snapshot(site, used, PAST),
        "it is somebody else's": str(api.snapshot("bakewell-base-of-somebody-else")["id"]),
    }
    api.droplet("web-1", image=int(stay["something boots from it"]))
    site.cloud.keys.create(f"bakewell-{dead}-{PAST}", KEY)
    people, building = "bakewell-laptop", f"bakewell-{alive}-{FUTURE}"
    api.post("/v2/account/keys", {"name": people, "public_key": KEY.replace("IMIuQ1", "IMIuQ2")})
    site.cloud.keys.create(building, KEY.replace("IMIuQ1", "IMIuQ3"))
    for name in ("bakewell:run:dead", "bakewell:role:old"):
        api.post("/v2/tags", {"name": name})
    assert reap(site, said) == 2 + 3 + 1, "builders, images and a key"
    assert {str(image["id"]) for image in api.get("/v2/images", private="true")["images"]} == set(stay.values())
    assert {key["name"] for key in api.get("/v2/account/keys")["ssh_keys"]} == {people, building}
    assert any("in use by droplet web-1" in line for line in said)
    tags = {one["name"] for one in api.get("/v2/tags", per_page=200)["tags"]}
    assert "bakewell:run:dead" not in tags and "bakewell:role:old" in tags


def test_who_uses_images_is_asked_only_where_one_would_go(site: Site, said: Said) -> None:
    snapshot(site, new_run(), PAST, READY)
    snapshot(site, new_run(), FUTURE)
    before = len(calls(site))
    reap(site, said)
    asked = {call["path"] for call in calls(site)[before:]}
    assert asked and "/v2/droplets/autoscale" not in asked


def test_a_finished_image_stays_while_the_cloud_is_busy_with_it(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "image_view", lambda image: image_view(image) | {"status": "pending"})
    run = new_run()
    dead_here(site, run)
    kept = [snapshot(site, new_run(), PAST, READY), snapshot(site, run, None, READY)]
    assert [image.ready for image in site.cloud.images.of("bakewell")] == [False, False]
    assert reap(site, said) == 0
    assert {image.id for image in site.cloud.images.of("bakewell")} == set(kept)


@pytest.mark.parametrize("used", [True, False])
def test_a_finished_image_that_lost_its_ready_tag_stays_and_is_spoken_of(site: Site, said: Said, used: bool) -> None:
    image = snapshot(site, new_run(), None, READY)
    site.served.api.delete(f"/v2/tags/{READY}")  # `doctl compute tag delete`: off everything that carries it
    if used:
        site.served.api.droplet("web-1", image=int(image))
    assert reap(site, said) == 0 and said == []
    assert reap(site, said, later=2 * 365 * 24 * 3600) == 0
    assert [line for line in said if image in line and "neither the ready tag nor a lease" in line] == said != []
    assert site.cloud.images.get(image) is not None


def test_an_image_finished_since_it_was_listed_stays(site: Site, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    image, listed = snapshot(site, new_run(), PAST), Images.of

    def finished_then(images: Images, project: str) -> list[Image]:
        found = listed(images, project)
        images.tag(image, [READY])
        return found

    monkeypatch.setattr(Images, "of", finished_then)
    assert reap(site, said) == 0
    assert site.cloud.images.get(image) is not None


def test_a_finished_image_whose_other_tags_are_broken_stays_with_its_builder_or_record(site: Site, said: Said) -> None:
    run, api = new_run(), site.served.api
    dead_here(site, run)
    named = api.snapshot(f"bakewell-base-{run}")["id"]
    taken = api.snapshot("anything", droplet_id=builder(site, run, PAST))["id"]
    for image in (named, taken):
        site.cloud.images.tag(
            str(image), [*(t for t in identity(run).tags() if not t.startswith("bakewell:role")), READY]
        )
    assert reap(site, said) == 1, "the builder"
    assert {i["id"] for i in api.get("/v2/images", private="true")["images"]} == {named, taken}


def test_a_pending_snapshot_is_waited_for_and_removed(site: Site, said: Said) -> None:
    machine = builder(site, new_run(), PAST)
    site.served.api.act(machine, "power_off")
    site.served.api.post(f"/v2/droplets/{machine}/actions", {"type": "snapshot", "name": "late"})
    assert reap(site, said) == 2
    gone(site, machine)
    assert site.served.api.get("/v2/images", private="true")["images"] == []


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


@pytest.mark.parametrize("path", ["/v2/droplets", "/v2/images", "/v2/account/keys"])
def test_what_cannot_be_read_ends_it_and_the_record_stays(site: Site, said: Said, path: str) -> None:
    run = new_run()
    dead_here(site, run)
    site.served.api.post("/sandbox/faults", {"effect": "status", "status": 403, "method": "GET", "path": path})
    with pytest.raises(CloudError):
        reap(site, said)
    assert site.runs() == [f"{run}.lock"]
    assert orphans.waiting(site.environment.endpoint, "bakewell", site.state), "its lock is free again"
