"""What DigitalOcean offers: read whole and strictly, from the local cloud's API and from answers that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.clouds.resources import Running
from bakewell.errors import ConfigError
from bakewell.image import tag
from bakewell.settings import DigitalOceanSettings, Settings
from tests.contract.served import Served
from tests.unit.clouds.conftest import Script

SIZE: dict[str, Any] = {"slug": "s-1vcpu-1gb", "disk": 25, "regions": ["nyc3"], "available": True}


def test_a_size_has_a_disk_and_regions(cloud: DigitalOcean) -> None:
    sizes = cloud.offers.sizes()
    assert (sizes["s-1vcpu-2gb"].disk_gb, "nyc3" in sizes["s-1vcpu-2gb"].regions) == (50, True)
    assert sizes["s-1vcpu-512mb-10gb"].regions == {"nyc1", "nyc3", "sfo3"}
    assert sizes["s-1vcpu-3gb"].regions == frozenset(), "sold out"


def test_a_size_that_cannot_be_had_at_present_is_in_no_region(script: Script) -> None:
    script.answer(200, {"sizes": [{**SIZE, "available": False}], "meta": {"total": 1}})
    assert script.cloud().offers.sizes()["s-1vcpu-1gb"].regions == frozenset()


def test_machines_of_a_project_have_a_role_a_size_a_place_and_an_image(served: Served, cloud: DigitalOcean) -> None:
    for project, role, size in (("bakewell", "web", "s-1vcpu-2gb"), ("other", "web", "s-1vcpu-1gb")):
        served.api.droplet(f"{project}-{role}", size=size, tags=[tag("project", project), tag("role", role)])
    (image,) = {reference.image_id for reference in cloud.references.all()}
    assert list(cloud.offers.running("bakewell")) == [Running("web", "s-1vcpu-2gb", "nyc3", image)]


def test_a_region_that_there_is_not_is_refused(cloud: DigitalOcean) -> None:
    cloud.stack_checks.check(Settings(digitalocean=DigitalOceanSettings(regions=["nyc3", "fra1"])), {})
    with pytest.raises(ConfigError, match=r"regions: DigitalOcean has no region nyc4 \(did you mean `nyc\d`"):
        cloud.stack_checks.check(Settings(digitalocean=DigitalOceanSettings(regions=["nyc3", "nyc4"])), {})


@pytest.mark.parametrize("base", ["debian-12-x64", "126"])
def test_a_base_that_is_there_will_do(cloud: DigitalOcean, base: str) -> None:
    cloud.bases.check(base, "x86_64")


@pytest.mark.parametrize(
    ("base", "said"), [("debian-10-x64", "it is retired"), ("125", "it is retired"), ("debian-7-x64", "not have it")]
)
def test_a_base_that_was_retired_is_refused(cloud: DigitalOcean, base: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        cloud.bases.check(base, "x86_64")
    assert base in refused.value.what and "bakewell lock" in refused.value.remedy


def test_an_image_needs_the_disk_that_its_builder_had(served: Served, cloud: DigitalOcean) -> None:
    builder = served.api.droplet("builder", size="s-1vcpu-2gb")
    made = str(served.api.snapshot("bakewell-web", builder["id"])["id"])
    cloud.images.tag(made, [tag(key, value) for key, value in WHO.items()])
    found = cloud.images.get(made)
    assert found is not None and found.min_disk_gb == 50


WHO = {"project": "bakewell", "role": "web", "fingerprint": "f" * 64, "run": "0123456789ab", "home": "nyc3"}
