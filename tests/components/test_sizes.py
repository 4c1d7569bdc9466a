"""A preview refuses sizes that the cloud does not offer, and disks that are too small, before anything is built."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bakewell.clouds.resources import Running, Size
from bakewell.errors import CloudError
from tests.components.conftest import Fleet, machines
from tests.components.engine import DROPLET
from tests.components.fleet import Offered
from tests.components.test_refusals import refused

HERE = frozenset({"nyc3"})
SIZES = {
    "s-1vcpu-512mb-10gb": Size(10, HERE),
    "s-1vcpu-1gb": Size(25, HERE),
    "s-1vcpu-2gb": Size(50, HERE),
    "s-4vcpu-8gb": Size(160, frozenset({"fra1"})),
    "s-1vcpu-3gb": Size(60, frozenset()),
}


@pytest.fixture
def offers(fleet: Fleet) -> Offered:
    """What the account is offered; its stack has one web machine."""
    fleet.listing.offers = Offered(dict(SIZES))
    size(fleet, "s-1vcpu-1gb")
    return fleet.listing.offers


def size(fleet: Fleet, slug: str) -> None:
    machines(fleet, web={"size": slug})


def builder(fleet: Fleet, role: str, memory: int) -> None:
    file = fleet.root / f"packer/images/{role}/image.toml"
    first, _, rest = file.read_text().partition("\n")
    file.write_text(f"{first}\nmemory_gb = {memory}\n{rest}")


ANOTHER = "remedy: name a size that nyc3 offers, such as s-1vcpu-1gb, s-1vcpu-2gb"  # 10 GB are too small
MACHINE, BUILDER = "bakewell:digitalocean.droplets.web.size: ", "packer/images/{}/image.toml: memory_gb: "


@pytest.mark.parametrize(
    ("slug", "memory", "said", "remedy"),
    [
        ("s-1vcpu-4gb", {}, f"{MACHINE}there is no size s-1vcpu-4gb (did you mean `s-1vcpu-", ANOTHER),
        ("s-4vcpu-8gb", {}, f"{MACHINE}size s-4vcpu-8gb is not offered in nyc3, only in fra1", ANOTHER),
        ("s-1vcpu-3gb", {}, f"{MACHINE}size s-1vcpu-3gb is not offered in nyc3, nor anywhere else", ANOTHER),
        (
            "s-1vcpu-512mb-10gb",
            {},
            f"{MACHINE}s-1vcpu-512mb-10gb has a disk of 10 GB, and the image of web needs 25",
            ANOTHER,
        ),
        (
            "s-1vcpu-1gb",
            {"web": 8},
            f"{BUILDER.format('web')}size s-4vcpu-8gb is not offered in nyc3, only in fra1",
            "remedy: set another memory_gb",
        ),
        (
            "s-1vcpu-1gb",
            {"web": 16},
            f"{BUILDER.format('web')}there is no size s-8vcpu-16gb",
            "remedy: set another memory_gb",
        ),
        (
            "s-1vcpu-1gb",
            {"base": 2},
            "s-1vcpu-1gb has a disk of 25 GB, and the image of its parent base needs 50 GB",
            "remedy: set memory_gb to that of base",
        ),
    ],
)
def test_what_cannot_be_had_or_does_not_hold_its_image_is_refused(
    fleet: Fleet, offers: Offered, slug: str, memory: dict[str, int], said: str, remedy: str
) -> None:
    size(fleet, slug)
    for role, gigabytes in memory.items():
        builder(fleet, role, gigabytes)
    message = refused(fleet).said("error")
    assert said in message and remedy in message


def test_machines_that_are_there_run_on_in_a_size_that_is_no_longer_offered(fleet: Fleet, offers: Offered) -> None:
    image = fleet.bake()["web"].id
    size(fleet, "s-1vcpu-3gb")
    offers.there.append(Running("api", "s-1vcpu-3gb", "nyc3", image))
    assert "is not offered" in refused(fleet).said("error"), "those are another role's"
    offers.there += [Running("web", "s-1vcpu-3gb", "sfo3", image), Running("web", "s-1vcpu-3gb", "nyc3", "1")]
    assert "is not offered" in refused(fleet).said("error"), "another region or image replaces those"
    offers.there.append(Running("web", "s-1vcpu-3gb", "nyc3", image))
    run = fleet.run(preview=True)
    assert run.error is None
    assert "the machines that there are run on, and cannot be replaced in it" in run.said("warning")


def test_machines_stay_on_what_a_forced_build_has_made_once_more(fleet: Fleet, offers: Offered) -> None:
    first = fleet.bake()["web"]
    size(fleet, "s-1vcpu-3gb")
    offers.there.append(Running("web", "s-1vcpu-3gb", "nyc3", first.id))
    later = replace(first, id="901", name="later", identity=replace(first.identity, run="9" * 12))
    fleet.listing.found.insert(0, replace(later, created_at=first.created_at + timedelta(days=1)))
    assert fleet.run(preview=True).error is None


def test_no_machine_of_a_role_needs_no_size(fleet: Fleet, offers: Offered) -> None:
    fleet.bake()
    machines(fleet, web={"size": "s-none", "count": 0})
    run = fleet.run(preview=True)
    assert run.error is None and run.of_type(DROPLET) == {} and not run.said("warning")


def test_an_image_that_is_built_needs_no_builder(fleet: Fleet, offers: Offered) -> None:
    builder(fleet, "web", 8)
    fleet.bake()
    assert fleet.run(preview=True).error is None


def test_what_the_image_itself_needs_counts_where_it_is_there(fleet: Fleet, offers: Offered) -> None:
    baked = fleet.bake()
    found = fleet.listing.found
    found[found.index(baked["web"])] = replace(baked["web"], min_disk_gb=50)
    assert "the image of web needs 50 GB" in refused(fleet).said("error")
    size(fleet, "s-1vcpu-2gb")
    assert fleet.run(preview=True).error is None


def test_a_pinned_image_counts_instead_of_the_roles_own(fleet: Fleet, offers: Offered) -> None:
    baked = fleet.bake()
    old = replace(baked["web"], id="900", name="bakewell-web-old", min_disk_gb=50)
    fleet.listing.found.append(replace(old, identity=replace(old.identity, fingerprint="0" * 64, run="9" * 12)))
    fleet.config["bakewell:pins"] = '{"web": "bakewell-web-old"}'
    assert "the image of web needs 50 GB" in refused(fleet).said("error")


def test_a_cloud_that_does_not_say_what_it_offers_is_an_error(
    fleet: Fleet, offers: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> dict[str, Size]:
        raise CloudError("GET /v2/sizes: no answer", remedy="run it again")

    monkeypatch.setattr(offers, "sizes", fails)
    assert "GET /v2/sizes: no answer" in refused(fleet).said("error")
