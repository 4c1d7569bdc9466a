"""What a preview can tell of a stack's machines before any is made."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.clouds.aws import Aws
from bakewell.errors import ConfigError
from bakewell.settings import AwsSettings, Settings
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, Account
from tests.unit.clouds.aws.test_clouds_aws_stock import without_networks


def settings(**own: Any) -> Settings:
    return Settings(clouds=["aws"], aws=AwsSettings.model_validate(own))


def refused(cloud: Aws, **own: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        cloud.check_stack(settings(**own))
    return caught.value


def test_what_there_is_may_be_named(account: Account, cloud: Aws) -> None:
    ec2 = account.ec2()
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_key_pair(KeyName="ops")
    one = {"key": "ops", "subnet": subnet}
    cloud.check_stack(settings(instances={"web": one}, fleets={"web": {"subnets": [subnet]}, "api": {}}))
    cloud.check_stack(settings(regions=[HOME, OTHER]))


@pytest.mark.parametrize(("kind", "setting"), [("instances", "subnet"), ("fleets", "subnets")])
def test_without_a_default_vpc_machines_have_to_be_told_where_they_are(
    account: Account, cloud: Aws, kind: str, setting: str
) -> None:
    without_networks(account)
    key = f"bakewell:aws.{kind}.web.{setting}"
    error = refused(cloud, **{kind: {"web": {}}})
    assert error.what == f"region {HOME} has no default VPC, and {key} is not set"
    assert f"pulumi config set --path '{key}" in error.remedy
    cloud.check_stack(settings(**{kind: {"web": {"count": 0}}}))


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
