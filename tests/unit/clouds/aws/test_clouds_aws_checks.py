"""What a preview can tell of a stack's machines before any is made."""

from __future__ import annotations

from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError, ConfigError
from bakewell.settings import AwsSettings, Settings
from bakewell.settings.builders import AwsBuilder
from bakewell_local.sandbox.aws.stock import NAMES, stock_id
from tests.contract.aws.served import DEBIAN, OTHER
from tests.unit.clouds.aws.conftest import HOME, Account
from tests.unit.clouds.aws.test_clouds_aws_stock import without_networks


def settings(**own: Any) -> Settings:
    return Settings(clouds=["aws"], aws=AwsSettings.model_validate(own))


def refused(cloud: Aws, **own: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        cloud.stack_checks.check(settings(**own), {})
    return caught.value


def test_what_there_is_may_be_named(account: Account, cloud: Aws) -> None:
    ec2 = account.ec2()
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_key_pair(KeyName="ops")
    one = {"key": "ops", "subnet": subnet}
    cloud.stack_checks.check(settings(instances={"web": one}, fleets={"web": {"subnets": [subnet]}, "api": {}}), {})
    cloud.stack_checks.check(settings(regions=[HOME, OTHER]), {})


@pytest.mark.parametrize(("kind", "setting"), [("instances", "subnet"), ("fleets", "subnets")])
def test_without_a_default_vpc_machines_have_to_be_told_where_they_are(
    account: Account, cloud: Aws, kind: str, setting: str
) -> None:
    without_networks(account)
    key = f"bakewell:aws.{kind}.web.{setting}"
    error = refused(cloud, **{kind: {"web": {}}})
    assert error.what == f"region {HOME} has no default VPC, and {key} is not set"
    assert f"pulumi config set --path '{key}" in error.remedy
    cloud.stack_checks.check(settings(**{kind: {"web": {"count": 0}}}), {})


def test_a_subnet_of_another_region_is_none(account: Account, cloud: Aws) -> None:
    there = account.ec2(OTHER).describe_subnets()["Subnets"][0]["SubnetId"]
    here = account.ec2().describe_subnets()["Subnets"][0]["SubnetId"]
    error = refused(cloud, fleets={"web": {"subnets": [here, there]}})
    assert error.what == f"bakewell:aws.fleets.web.subnets: there is no subnet {there} in {HOME}"
    assert here in error.remedy


def test_a_key_pair_that_is_misspelt_is_told_with_the_one_that_was_meant(account: Account, cloud: Aws) -> None:
    account.ec2().create_key_pair(KeyName="deploy")
    error = refused(cloud, instances={"web": {"key": "depoly"}})
    assert f"bakewell:aws.instances.web.key: there is no key pair `depoly` in {HOME}" in error.what
    assert "did you mean `deploy`?" in error.what and "deploy" in error.remedy


def test_a_further_region_that_is_not_enabled_is_refused_before_anything_is_built(cloud: Aws) -> None:
    assert "region me-south-1 is not enabled" in refused(cloud, regions=[HOME, "me-south-1"]).what


@pytest.mark.parametrize("kind", ["instances", "fleets"])
@pytest.mark.parametrize(
    ("type_", "said"),
    [
        ("t3.smal", f"there is no instance type t3.smal in {HOME} (did you mean `t3.small`?)"),
        ("q9.large", f"there is no instance type q9.large in {HOME}"),
        ("t4g.small", "t4g.small runs arm64, and the image is for x86_64"),
    ],
)
def test_a_type_of_machine_that_cannot_boot_the_image_is_refused(cloud: Aws, kind: str, type_: str, said: str) -> None:
    error = refused(cloud, **{kind: {"web": {"type": type_}}})
    assert error.what == f"bakewell:aws.{kind}.web.type: {said}"


def test_types_are_looked_up_for_machines_that_there_will_be(account: Account, cloud: Aws) -> None:
    cloud.stack_checks.check(settings(instances={"web": {"type": "q9.large", "count": 0}}), {})
    cloud.stack_checks.check(settings(instances={"web": {"type": "m5.large"}, "api": {"type": "t3.small"}}), {})
    (asked,) = account.calls("DescribeInstanceTypes")
    assert (asked["Filter.1.Value.1"], asked["Filter.1.Value.2"]) == ("m5.*", "t3.*"), "one question for all"


def test_a_profile_that_is_none_is_refused(account: Account, cloud: Aws) -> None:
    account.served("iam").create_instance_profile(InstanceProfileName="web")
    cloud.stack_checks.check(settings(instances={"web": {"profile": "web"}}), {})
    error = refused(cloud, fleets={"web": {"profile": "wbe"}})
    assert error.what == "bakewell:aws.fleets.web.profile: the account has no instance profile `wbe`"


def test_a_kms_key_that_a_region_does_not_have_is_refused(account: Account, cloud: Aws) -> None:
    encrypted = {"regions": [HOME, OTHER], "kms_key": "alias/images"}
    keys = {region: account.served("kms", region).create_key()["KeyMetadata"]["KeyId"] for region in (HOME, OTHER)}
    account.served("kms", HOME).create_alias(AliasName="alias/images", TargetKeyId=keys[HOME])
    error = refused(cloud, **encrypted)
    assert error.what == f"bakewell:aws.kms_key: there is no alias/images in {OTHER}"
    assert f"aws kms create-alias --region {OTHER}" in error.remedy

    account.served("kms", OTHER).create_alias(AliasName="alias/images", TargetKeyId=keys[OTHER])
    cloud.stack_checks.check(settings(**encrypted), {})
    account.served("kms", OTHER).disable_key(KeyId=keys[OTHER])
    error = refused(cloud, **encrypted)
    assert error.what == f"bakewell:aws.kms_key: alias/images in {OTHER} encrypts nothing, it is Disabled"


def test_without_the_permission_to_look_at_profiles_the_preview_says_which_call_it_was(
    account: Account, cloud: Aws
) -> None:
    account.served.order("error", action="iam:GetInstanceProfile", code="AccessDenied", times=1)
    with pytest.raises(CloudError, match="look at instance profile web") as caught:
        cloud.stack_checks.check(settings(instances={"web": {"profile": "web"}}), {})
    assert "docs/aws.md" in caught.value.remedy


def test_a_fleet_is_in_one_network(account: Account, cloud: Aws) -> None:
    ec2 = account.ec2()
    ours = ec2.describe_subnets()["Subnets"][0]
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    cloud.stack_checks.check(settings(instances={"web": {"subnet": other}}, fleets={"web": {"subnets": [other]}}), {})
    error = refused(cloud, fleets={"web": {"subnets": [ours["SubnetId"], other]}})
    both = ", ".join(sorted([vpc, ours["VpcId"]]))
    assert error.what == f"bakewell:aws.fleets.web.subnets: these subnets are in 2 VPCs: {both}"


def test_the_subnet_for_building_is_looked_for(account: Account) -> None:
    there = account.ec2(OTHER).describe_subnets()["Subnets"][0]["SubnetId"]
    where = AwsBuilder(subnet=there)
    with pytest.raises(ConfigError) as caught:
        Aws(HOME, builder=where).bases.check(DEBIAN, "x86_64")
    assert caught.value.what == f"bakewell:builders.aws.subnet: there is no subnet {there} in {HOME}"
    Aws(OTHER, builder=where).bases.check(stock_id(OTHER, NAMES[-1]), "x86_64")


def test_machines_and_builders_have_the_processors_of_their_image(account: Account, cloud: Aws) -> None:
    wanted = settings(instances={"web": {"type": "t4g.small"}, "api": {"type": "t3.small"}})
    cloud.stack_checks.check(wanted, {"web": "arm64", "api": "x86_64"})
    with pytest.raises(ConfigError, match=r"instances\.api\.type: t3\.small runs .*, and the image is for arm64"):
        cloud.stack_checks.check(wanted, {"web": "arm64", "api": "arm64"})
    with pytest.raises(ConfigError, match=r"builders\.aws\.type: t3\.small runs .*, and the image is for arm64"):
        Aws(HOME, builder=AwsBuilder(type="t3.small")).bases.check(DEBIAN, "arm64")
    with pytest.raises(ConfigError, match="is for x86_64, and the image that is built on it is for arm64"):
        cloud.bases.check(DEBIAN, "arm64")
    assert cloud.bases.usual("debian-12-arm64") == "136693071363/debian-12-arm64-*"


def test_a_disk_is_asked_for_where_the_base_has_its_root(cloud: Aws) -> None:
    assert cloud.disks.root_device(DEBIAN) == "/dev/xvda"


def test_what_a_builder_is_to_be_is_looked_for(account: Account) -> None:
    ec2 = account.ec2()
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "tier", "Value": "build"}])
    Aws(HOME, builder=AwsBuilder(subnet={"tier": "build"})).bases.check(DEBIAN, "x86_64")
    for builder, words in [
        (AwsBuilder(subnet={"tier": "web"}), "builders.aws.subnet: no subnet in us-east-1 carries tier=web"),
        (AwsBuilder(type="t3.hug"), "builders.aws.type: there is no instance type t3.hug"),
        (AwsBuilder(profile="nobody"), "builders.aws.profile: the account has no instance profile `nobody`"),
    ]:
        with pytest.raises(ConfigError, match=words):
            Aws(HOME, builder=builder).bases.check(DEBIAN, "x86_64")


def test_a_base_for_other_processors_is_refused(account: Account, cloud: Aws) -> None:
    made = account.image(who=None, name="arm")
    cloud.bases.check(made, "x86_64")
    whose = account.served("sts").get_caller_identity()["Account"]
    ec2_backends[whose][HOME].amis[made].architecture = "arm64"  # no machine here would make such a one
    with pytest.raises(ConfigError, match=f"base image {made} in {HOME} is for arm64") as caught:
        cloud.bases.check(made, "x86_64")
    assert "lock one for x86_64" in caught.value.remedy
