"""AWS behind the verbs of a cloud, against moto: what is found, where, and what a deletion takes along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.tags import pairs, texts
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY, REVOKED, Identity

if TYPE_CHECKING:
    from types_boto3_ec2.client import EC2Client

HOME, OTHER = "us-east-1", "eu-west-1"
MOTO = "123456789012"
WHO = Identity(project="shop", role="web", fingerprint="f" * 64, run="0123456789ab", parent="ba9876543210", home=HOME)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account at moto."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """That account, with two regions enabled."""
    cloud = Aws(HOME, sleep=lambda _: None)
    monkeypatch.setattr(cloud, "_enabled", (OTHER, HOME))
    return cloud


def ec2(region: str = HOME) -> EC2Client:
    return boto3.client("ec2", region_name=region)


def stock_image(region: str = HOME) -> str:
    return ec2(region).describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]


def instance(region: str = HOME, image: str = "") -> str:
    run = ec2(region).run_instances(ImageId=image or stock_image(region), MinCount=1, MaxCount=1)
    return run["Instances"][0]["InstanceId"]


def image(*flags: str, who: Identity = WHO, name: str = "shop-web-1", region: str = HOME) -> str:
    """An AMI of ours."""
    tags = pairs([*who.tags(), *flags])
    made = ec2(region).create_image(
        InstanceId=instance(region), Name=name, TagSpecifications=[{"ResourceType": "image", "Tags": tags}]
    )
    return made["ImageId"]


def test_tags_survive_the_way_there_and_back() -> None:
    assert texts(pairs([*WHO.tags(), READY])) == tuple(sorted([*WHO.tags(), READY]))
    assert {"Key": "bakewell:role", "Value": "web"} in pairs(WHO.tags())
    assert pairs([READY, "billing:team"]) == [{"Key": READY, "Value": ""}]


def test_an_image_is_found_with_its_identity_and_region(cloud: Aws) -> None:
    made = image(READY, region=OTHER)
    image(READY, who=replace(WHO, project="other"), name="other-web-1")
    (found,) = cloud.images("shop")
    assert (found.cloud, found.id, found.identity, found.regions) == ("aws", made, WHO, (OTHER,))
    assert found.ready and not found.revoked and found.lease is None
    assert cloud.image(made) == found


def test_what_is_not_ready_or_taken_back_says_so(cloud: Aws) -> None:
    made = image("bakewell:lease:1900000000")
    assert cloud.images("shop")[0].lease == 1900000000
    cloud.tag(made, [READY, REVOKED])
    found = cloud.image(made)
    assert found is not None and found.ready and found.revoked
    cloud.untag(made, [READY])
    assert READY not in (cloud.tags_of(made) or ())


def test_a_deletion_takes_the_snapshots_along(cloud: Aws) -> None:
    made = image(READY)
    snapshots = [
        m["Ebs"]["SnapshotId"] for m in ec2().describe_images(ImageIds=[made])["Images"][0]["BlockDeviceMappings"]
    ]
    assert snapshots
    cloud.delete_image(made)
    assert cloud.image(made) is None and cloud.tags_of(made) is None
    left = {item["SnapshotId"] for item in ec2().describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    assert not left & set(snapshots)
    cloud.delete_image(made)  # gone already: no error


def test_snapshots_of_a_deletion_that_ended_half_way_are_swept(cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made, kept = image(READY), image(READY, name="shop-web-2")

    def dies(region: str, snapshot: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cloud, "_delete_snapshot", dies)
        with pytest.raises(KeyboardInterrupt):
            cloud.delete_image(made)
    assert cloud.image(made) is None
    assert cloud.sweep("other") == 0
    assert cloud.sweep("shop") == 1
    assert cloud.sweep("shop") == 0
    assert cloud.image(kept) is not None


def test_a_copy_is_an_image_of_the_same_run_made_once(cloud: Aws) -> None:
    made = image(READY)
    there = cloud.copy(made, OTHER)
    assert there != made and cloud.copy(made, OTHER) == there
    assert cloud.copy(made, HOME) == made
    copies = {found.id: found for found in cloud.images("shop")}
    assert copies[there].run == copies[made].run and copies[there].regions == (OTHER,)


def test_a_region_that_is_not_enabled_is_refused(cloud: Aws) -> None:
    with pytest.raises(ConfigError, match="me-south-1 is not enabled"):
        cloud.copy(image(READY), "me-south-1")


def test_another_account_is_refused() -> None:
    assert MOTO in Aws(HOME, MOTO).check_account()
    with pytest.raises(ConfigError, match="belongs to AWS account 210987654321"):
        Aws(HOME, "210987654321").check_account()


def test_credentials_that_are_missing_name_their_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CloudError, match=r"(?s)nobody.*set AWS_PROFILE"):
        Aws(HOME).check_account()


def test_a_stock_image_is_found_by_owner_and_name_in_every_region(cloud: Aws) -> None:
    some = ec2().describe_images(Owners=["099720109477"])["Images"][0]
    found = cloud.stock(f"099720109477/{some['Name']}")
    assert found.name == some["Name"] and found.ids[HOME]
    with pytest.raises(CloudError, match=r"no image `099720109477/nothing-\*`"):
        cloud.stock("099720109477/nothing-*")


def test_everything_that_needs_an_image_is_a_reference(cloud: Aws) -> None:
    by_instance, by_template, by_group, by_parameter, shared = (
        image(READY, name=f"shop-web-{number}") for number in range(5)
    )
    instance(image=by_instance)
    template = ec2().create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": by_group})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    unused = image(READY, name="shop-web-unused")
    ec2().create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": unused})
    ec2().create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": by_template})
    boto3.client("autoscaling", region_name=HOME).create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "1"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=[f"{HOME}a"],
    )
    boto3.client("ssm", region_name=HOME).put_parameter(
        Name="/images/web", Value=by_parameter, Type="String", DataType="aws:ec2:image"
    )
    ec2().modify_image_attribute(ImageId=shared, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    found: dict[str, set[str]] = {}
    for reference in cloud.references():
        found.setdefault(reference.image_id, set()).add(reference.kind)
    assert found[by_instance] == {"instance"}
    assert found[by_template] == {"launch template"}
    assert found[by_group] == {"launch template", "auto scaling group"}
    assert found[by_parameter] == {"SSM parameter"}
    assert found[shared] == {"launch permission"}
    assert unused not in found, "a version that nothing would launch"


def test_builders_and_keys_of_builds(cloud: Aws) -> None:
    made = instance()
    ec2().create_tags(Resources=[made], Tags=pairs([*WHO.tags(), "bakewell:builder", "bakewell:lease:1900000000"]))
    instance()
    (builder,) = cloud.builders("shop")
    assert (builder.id, builder.identity, builder.lease) == (made, WHO, 1900000000)
    cloud.delete_builder(made)
    assert cloud.builders("shop") == []
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl build"
    assert cloud.create_key("bakewell-0123456789ab-1900000000", public) == "bakewell-0123456789ab-1900000000"
    (key,) = cloud.build_keys()
    assert (key.run, key.lease) == ("0123456789ab", 1900000000)
    cloud.delete_key(key.id)
    assert cloud.build_keys() == []
