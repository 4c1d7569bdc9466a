"""Vendors' AMIs, and what a preview can tell of a build that is to start from one."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.clouds.aws import Aws, bases
from bakewell.clouds.aws.api import Clients
from bakewell.errors import CloudError, ConfigError
from bakewell.settings.builders import AwsBuilder
from bakewell_local.sandbox.aws.stock import NAMES, PARAMETER, stock_id
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, THIRD, Account

OLDER, NEWER = NAMES


def without_networks(account: Account) -> None:
    """Take the default VPC away, as accounts do that want none."""
    ec2 = account.ec2()
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])


def test_the_newest_of_a_name_is_found_with_its_id_in_every_region(cloud: Aws) -> None:
    found = cloud.bases.stock(cloud.bases.usual("debian-12"))
    assert (found.name, found.date) == (NEWER, "2025-11-12")
    assert found.ids == {region: stock_id(region, NEWER) for region in sorted((HOME, OTHER, THIRD))}
    assert cloud.bases.stock(f"136693071363/{OLDER}").ids[OTHER] == stock_id(OTHER, OLDER)
    assert cloud.bases.start(cloud.bases.usual("debian-12")) == stock_id(HOME, NEWER)


def test_a_region_that_already_has_a_newer_one_is_locked_at_the_same(
    cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vendors publish region by region: home has not got it yet."""
    look = bases.look

    def behind(clients: Clients, image: str, region: str) -> bases.Found:
        region, amis = look(clients, image, region)
        return region, [ami for ami in amis if region != HOME or ami.name != NEWER]

    monkeypatch.setattr(bases, "look", behind)
    found = cloud.bases.stock(cloud.bases.usual("debian-12"))
    assert found.name == OLDER
    assert found.ids == {region: stock_id(region, OLDER) for region in sorted((HOME, OTHER, THIRD))}


def test_so_is_the_one_that_a_vendor_publishes_as_a_parameter(cloud: Aws) -> None:
    found = cloud.bases.stock(f"ssm:{PARAMETER}")
    assert (found.name, found.ids[HOME]) == (NEWER, stock_id(HOME, NEWER))


@pytest.mark.parametrize("image", ["136693071363/nothing-*", "ssm:/no/such/parameter", "210987654321/debian-12-*"])
def test_what_there_is_not_says_how_to_name_one(cloud: Aws, image: str) -> None:
    with pytest.raises(CloudError) as caught:
        cloud.bases.stock(image)
    assert f"no image `{image}` in {HOME}" in caught.value.what and "OWNER/NAME-PATTERN" in caught.value.remedy


def test_a_build_can_begin_in_the_default_vpc(cloud: Aws) -> None:
    cloud.bases.check(stock_id(HOME, OLDER), "x86_64")
    cloud.bases.check(cloud.bases.usual("debian-12"), "x86_64")


def test_without_a_default_vpc_it_says_which_setting(account: Account, cloud: Aws) -> None:
    without_networks(account)
    with pytest.raises(ConfigError, match=r"no default VPC, and bakewell:builders\.aws\.subnet is not set") as caught:
        cloud.bases.check(stock_id(HOME, NEWER), "x86_64")
    assert "pulumi config set --path 'bakewell:builders.aws.subnet' subnet-" in caught.value.remedy
    vpc = account.ec2().create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = account.ec2().create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    Aws(HOME, builder=AwsBuilder(subnet=made)).bases.check(stock_id(HOME, NEWER), "x86_64")


def base_of_ours(account: Account, fate: str) -> str:
    """An image that is locked as a base, and was disabled, deregistered or never there."""
    made = account.image(who=None, name="our-base") if fate != "never there" else "ami-0123456789abcdef0"
    act: dict[str, Any] = {"disabled": account.ec2().disable_image, "deregistered": account.ec2().deregister_image}
    if fate in act:
        act[fate](ImageId=made)
    return made


@pytest.mark.parametrize(
    ("fate", "said"), [("disabled", "is disabled"), ("deregistered", "is not in"), ("never there", "is not in")]
)
def test_a_base_that_no_machine_can_start_from_is_refused(account: Account, cloud: Aws, fate: str, said: str) -> None:
    base = base_of_ours(account, fate)
    with pytest.raises(ConfigError, match=f"base image {base} .*{said.split()[-1]}") as caught:
        cloud.bases.check(base, "x86_64")
    assert said in caught.value.what and "bakewell lock" in caught.value.remedy
