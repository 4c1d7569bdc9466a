"""Leases go by the cloud's time, on the host that writes them and on the host that judges them."""

from __future__ import annotations

import re
import time

import pytest

from bakewell.build import orphans
from bakewell.build.build import build
from bakewell.build.clean import clean
from bakewell.build.stop import Stop
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS
from bakewell.errors import CloudError
from bakewell.image import READY, Identity, new_run, tag
from bakewell.retention import Policy
from tests.contract.served import KEY
from tests.unit.build.conftest import Said, Site
from tests.unit.build.test_build_flow import calls
from tests.unit.build.test_build_orphans import builder, dead_here, gone, machines, reap, snapshot

SKEW = 125 * 60
BOTH = pytest.mark.parametrize("ahead", [SKEW, -SKEW], ids=["cloud-ahead", "cloud-behind"])
"""A cloud that is ahead is a host that is behind."""


@BOTH
def test_a_host_whose_clock_differs_judges_by_the_clouds(site: Site, said: Said, ahead: int) -> None:
    now = int(time.time()) + ahead
    alive, dead = new_run(), new_run()
    lives, died = builder(site, alive, now + 600), builder(site, dead, now - 600)
    unfinished, building = snapshot(site, dead, now - 600), snapshot(site, alive, now + 600)
    site.cloud.keys.create(f"bakewell-{alive}-{now + 600}", KEY)
    assert reap(site, said, later=ahead) == 2
    gone(site, died)
    assert lives in machines(site) and len(site.cloud.keys.all()) == 1
    assert [image.id for image in site.cloud.images.of("bakewell")] == [building] != [unfinished]


@BOTH
def test_a_host_whose_clock_differs_writes_leases_by_the_clouds_and_says_so(site: Site, said: Said, ahead: int) -> None:
    site.served.clock.ahead = ahead
    before = len(calls(site))
    result = build(site.job("base"), Stop(), said.append)
    made = {call["path"]: call["body"] for call in calls(site)[before:] if call["method"] == "POST"}
    now = time.time() + ahead
    key = re.fullmatch(r"bakewell-[0-9a-f]{12}-(\d+)", made["/v2/account/keys"]["name"])
    leases = [text for text in made["/v2/droplets"]["tags"] if text.startswith("bakewell:lease:")]
    assert key is not None and leases == [tag("lease", key[1])]
    assert now - 120 < int(key[1]) - LEASE_SECONDS <= now
    assert f"{time.strftime('%Y-%m-%d-%H', time.gmtime(int(key[1]) - LEASE_SECONDS))}" in result.name
    side = "behind" if ahead > 0 else "ahead of"
    assert [line for line in said if f"125 minutes {side} digitalocean's" in line] != []


def test_retention_says_of_a_lease_what_the_clouds_clock_says(site: Site, said: Said) -> None:
    site.served.clock.ahead = -SKEW
    snapshot(site, new_run(), int(time.time()) - SKEW + 600)
    there, policy = site.environment.endpoint, Policy(1, frozenset(), "bakewell")
    done = clean(site.cloud, there, site.state, policy, {}, said.append, dry_run=False)
    assert done.reaped == 0
    (kept,) = done.plan.kept
    assert "its build's lease runs until" in kept.reasons[0]
    assert [line for line in said if "125 minutes ahead of digitalocean's" in line] != []


def test_no_lease_is_judged_without_the_clouds_time(site: Site, said: Said) -> None:
    machine = builder(site, new_run(), int(time.time()) - 60)
    site.served.clock.sends = False
    with pytest.raises(CloudError, match="no usable Date header"):
        reap(site, said)
    assert machine in machines(site)


def test_what_died_here_needs_no_clock(site: Site, said: Said) -> None:
    run = new_run()
    dead_here(site, run)
    machine = builder(site, run, int(time.time()) + 600)
    site.served.clock.sends = False
    assert reap(site, said) == 1
    gone(site, machine)


def test_no_build_begins_without_the_clouds_time(site: Site, said: Said) -> None:
    site.served.clock.sends = False
    with pytest.raises(CloudError, match="no usable Date header"):
        build(site.job("base"), Stop(), said.append)
    site.leaves()
    assert site.runs() == []


def test_a_finished_image_whose_build_died_loses_its_lease_and_stays(site: Site, said: Said) -> None:
    run = new_run()
    now = int(time.time())
    died, lives = snapshot(site, run, now - 60, READY), snapshot(site, new_run(), now + 600, READY)
    assert reap(site, said) == 0
    assert [line for line in said if "taking the lease off finished image" in line and died in line] != []
    tags = {image.id: image.tags for image in site.cloud.images.of("bakewell")}
    assert {text.rpartition(":")[0] for text in tags[lives]} - {text.rpartition(":")[0] for text in tags[died]} == {
        "bakewell:lease"
    }
    assert BUILDER not in tags[died] and Identity.from_tags(tags[died]) is not None
    site.served.api.delete(f"/v2/tags/{READY}")
    assert reap(site, said, later=2 * 24 * 3600) == 1, "the other one, whose lease says that its build is dead"
    assert [image.id for image in site.cloud.images.of("bakewell")] == [died]
    assert orphans.reap(site.cloud, site.environment.endpoint, "bakewell", site.state, said.append) == 0
