"""A build on AWS from end to end, with a Packer that is quick: what it makes, and that nothing else is left."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.build.build import build
from bakewell.build.stop import Stop
from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.answers.base import Tag
from bakewell.clouds.aws.tags import texts
from bakewell.errors import BuildError
from bakewell.image import READY
from bakewell.settings import AwsSettings, Settings
from bakewell.settings.builders import AwsBuilder, BuilderSettings
from tests.contract.aws.served import DEBIAN, OTHER, REGION, Served
from tests.unit.build.conftest import Said, Site
from tests.waiting import none_left


def bake(site: Site, said: Said, role: str = "base", **changes: Any) -> Any:
    return build(site.job(role, "aws", **changes), Stop(), said.append)


def calls(aws: Served, action: str) -> list[Any]:
    found = aws.http.get("/sandbox/calls").json()["calls"]
    return [call["body"] for call in found if call["action"] == f"ec2:{action}"]


def builders(aws: Served) -> list[str]:
    """Instances that are not on their way out."""
    found = [i for r in aws.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    return [i["InstanceId"] for i in found if i["State"]["Name"] not in ("shutting-down", "terminated")]


def nothing_is_left(aws: Served) -> None:
    none_left(lambda: builders(aws))
    assert aws.ec2.describe_key_pairs()["KeyPairs"] == []
    unfinished = [
        image["ImageId"]
        for image in aws.ec2.describe_images(Owners=["self"])["Images"]
        if READY not in {tag["Key"] for tag in image.get("Tags", [])}
    ]
    assert unfinished == []


def test_a_build_makes_a_ready_ami_and_leaves_nothing_else(aws: Served, site: Site, said: Said) -> None:
    result = bake(site, said)
    image = Aws(REGION).images.get(result.id)
    assert image is not None and image.ready and image.lease is None
    assert (result.cloud, result.action, result.home, result.regions) == ("aws", "built", REGION, (REGION,))
    assert (result.name, result.fingerprint, result.run) == (image.name, image.fingerprint, image.run)
    assert not [tag for tag in image.tags if tag.startswith(("bakewell:lease", "bakewell:builder"))]
    (snapshot,) = aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert texts([Tag.model_validate(tag) for tag in snapshot["Tags"]]) == image.tags, "what it carries"
    nothing_is_left(aws)
    assert site.runs() == []
    (launched,) = calls(aws, "RunInstances")
    assert launched["ImageId"] == DEBIAN, "the newest of Debian's own"
    assert launched["InstanceType"] == "t3.micro" and "SubnetId" not in launched
    assert site.served.api.get("/v2/droplets")["droplets"] == []


def test_a_builder_is_where_and_what_the_stack_says(aws: Served, site: Site, said: Said) -> None:
    subnet = aws.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    spec = site.root / "packer" / "images" / "base" / "image.toml"
    spec.write_text(f"disk_gb = 40\n{spec.read_text()}")
    builder = AwsBuilder(subnet=subnet, type="t3.large")
    bake(site, said, settings=Settings(clouds=["aws"], builders=BuilderSettings(aws=builder)))
    (launched,) = calls(aws, "RunInstances")
    assert (launched["SubnetId"], launched["InstanceType"]) == (subnet, "t3.large")
    assert site.packer.variables["root_device"] == "/dev/xvda"


def test_a_parent_that_lives_elsewhere_is_copied_once_and_built_on_by_its_id_there(
    aws: Served, site: Site, said: Said
) -> None:
    base = bake(site, said)
    there = Settings(clouds=["aws"], aws=AwsSettings(regions=[OTHER]))
    web = bake(site, said, "web", settings=there)
    assert (web.home, web.regions, web.parent) == (OTHER, (OTHER,), base.run)
    copied = Aws(REGION).images.get(base.id)
    assert copied is not None and copied.regions == (OTHER, REGION) and copied.identity.home == REGION
    assert calls(aws, "RunInstances")[-1]["ImageId"] == copied.elsewhere[OTHER] != base.id
    bake(site, said, "web", settings=there, force=True)
    assert len(calls(aws, "CopyImage")) == 1


@pytest.mark.parametrize("mode", ["elsewhere", "no-manifest"])
def test_a_build_that_fails_leaves_nothing(aws: Served, site: Site, said: Said, mode: str) -> None:
    site.mode("base", mode)
    with pytest.raises(BuildError):
        bake(site, said)
    nothing_is_left(aws)
    assert aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert site.runs() == []


def test_an_image_that_is_gone_from_where_it_was_built_is_copied_back(aws: Served, site: Site, said: Said) -> None:
    first = bake(site, said)
    there = Aws(REGION).images.copy(first.id, OTHER)
    aws.ec2.deregister_image(ImageId=first.id)
    again = bake(site, said)
    assert (again.action, again.run, again.home) == ("adopted", first.run, REGION)
    assert again.id not in (first.id, there) and again.regions == tuple(sorted((REGION, OTHER)))
    found = Aws(REGION).images.get(again.id)
    assert found is not None and found.lost is None and found.ready
