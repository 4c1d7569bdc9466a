"""Who is dead and who is only elsewhere: what the reaper takes and what it must not touch."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bakewell.build import orphans, runs
from bakewell.clouds import BUILDER
from bakewell.errors import CloudError
from bakewell.image import READY, Identity, new_run, tag
from tests.contract.served import KEY, until
from tests.unit.build.conftest import Said, Site

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


def reap(site: Site, said: Said) -> int:
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
    for name in ("bakewell:run:dead", "bakewell:lease:1", "bakewell:revoked", "somebodys"):
        api.post("/v2/tags", {"name": name})
    reap(site, said)
    names = {t["name"] for t in api.get("/v2/tags", per_page=200)["tags"]}
    assert names == {*identity("a" * 12).tags(), READY, "bakewell:revoked", "somebodys"}
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
