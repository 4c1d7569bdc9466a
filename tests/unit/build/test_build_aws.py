"""A build on AWS from end to end, with a Packer that is quick: what it makes, and that nothing else is left."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.build import orphans
from bakewell.build.build import build
from bakewell.build.stop import Stop
from bakewell.clouds.aws import Aws
from bakewell.errors import BuildError
from bakewell.image import READY
from bakewell.settings import AwsSettings, Settings
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
    image = Aws(REGION).image(result.id)
    assert image is not None and image.ready and image.lease is None
    assert (result.cloud, result.action, result.home, result.regions) == ("aws", "built", REGION, (REGION,))
    assert (result.name, result.fingerprint, result.run) == (image.name, image.fingerprint, image.run)
    assert not [tag for tag in image.tags if tag.startswith(("bakewell:lease", "bakewell:builder"))]
    nothing_is_left(aws)
    assert site.runs() == []
    (launched,) = calls(aws, "RunInstances")
    assert launched["ImageId"] == DEBIAN, "the newest of Debian's own"
    assert launched["InstanceType"] == "t3.micro" and "SubnetId" not in launched
    assert site.served.api.get("/v2/droplets")["droplets"] == []


def test_its_snapshots_carry_what_it_carries(aws: Served, site: Site, said: Said) -> None:
    result = bake(site, said)
    (image,) = aws.ec2.describe_images(ImageIds=[result.id])["Images"]
    (snapshot,) = aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert snapshot["SnapshotId"] == image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    plain = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
    assert {tag["Key"]: tag["Value"] for tag in snapshot["Tags"]} == plain
    assert READY in plain


def test_a_second_build_adopts_it_and_a_child_is_built_on_it(aws: Served, site: Site, said: Said) -> None:
    base = bake(site, said)
    assert (again := bake(site, said)).action == "adopted" and again.id == base.id
    web = bake(site, said, "web")
    assert web.parent == base.run
    assert calls(aws, "RunInstances")[-1]["ImageId"] == base.id


def test_the_stacks_subnet_is_where_it_is_built(aws: Served, site: Site, said: Said) -> None:
    subnet = aws.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    bake(site, said, settings=Settings(clouds=["aws"], aws=AwsSettings(subnet=subnet)))
    assert calls(aws, "RunInstances")[0]["SubnetId"] == subnet


def test_a_parent_that_lives_elsewhere_is_copied_once_and_built_on_by_its_id_there(
    aws: Served, site: Site, said: Said
) -> None:
    base = bake(site, said)
    there = Settings(clouds=["aws"], aws=AwsSettings(regions=[OTHER]))
    web = bake(site, said, "web", settings=there)
    assert (web.home, web.regions, web.parent) == (OTHER, (OTHER,), base.run)
    copied = Aws(REGION).image(base.id)
    assert copied is not None and copied.regions == (OTHER, REGION) and copied.identity.home == REGION
    assert calls(aws, "RunInstances")[-1]["ImageId"] == copied.elsewhere[OTHER] != base.id
    bake(site, said, "web", settings=there, force=True)
    assert len(calls(aws, "CopyImage")) == 1


@pytest.mark.parametrize("mode", ["fail", "elsewhere", "no-manifest"])
def test_a_build_that_fails_leaves_nothing(aws: Served, site: Site, said: Said, mode: str) -> None:
    site.mode("base", mode)
    with pytest.raises(BuildError):
        bake(site, said)
    nothing_is_left(aws)
    assert aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert site.runs() == []


def test_tags_that_packer_forgot_are_added_to_image_and_snapshots(aws: Served, site: Site, said: Said) -> None:
    site.mode("base", "untagged")
    result = bake(site, said)
    assert any("tags that Packer's plugin left out" in line for line in said)
    image = Aws(REGION).image(result.id)
    assert image is not None and image.ready
    (snapshot,) = aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert "bakewell:run" in {tag["Key"] for tag in snapshot["Tags"]}


def test_what_a_dead_build_left_on_aws_is_not_looked_for_on_digitalocean(aws: Served, site: Site, said: Said) -> None:
    project, state = "bakewell", site.state
    found = Aws(REGION)
    found.create_key(
        "bakewell-0123456789ab-1", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x"
    )
    assert orphans.reap(site.cloud, site.environment.where("digitalocean"), project, state, said.append) == 0
    assert len(found.build_keys()) == 1
    assert orphans.reap(found, site.environment.where("aws"), project, state, said.append) == 1
    assert found.build_keys() == []
