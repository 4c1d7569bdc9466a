"""Auto scaling groups as they are: their machines, the versions of these, how their refresh goes."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell.clouds.aws.api import Clients
from bakewell.clouds.aws.groups import ACTIVE, Group, addresses, last_failure, look
from bakewell.errors import ConfigError
from tests.contract.aws.served import Served
from tests.contract.aws.test_fleets import ended, group, in_service, newer, refreshed, template, update
from tests.unit.clouds.aws.conftest import HOME, Account


def seen(name: str = "web") -> Group:
    return look(Clients(), HOME, name)


def serving(aws: Served) -> None:
    """There is a group of one machine, which serves."""
    template(aws)
    group(aws, size=1)
    in_service(aws)


def doomed(account: Account) -> None:
    """Its template names an image that is gone."""
    image = account.image(who=None)
    update(account.served, newer(account.served, image))
    account.ec2().deregister_image(ImageId=image)


def test_a_group_is_settled_once_all_its_machines_serve(account: Account) -> None:
    template(account.served)
    with account.served.held():
        group(account.served, size=2)
        found = seen()
        assert (found.wanted, found.version, found.refresh, found.settled) == (2, "1", "", False)
        assert found.state == "0 of 2 machines in service with version 1 of the launch template"
    in_service(account.served)
    found = seen()
    assert found.settled and [one.version for one in found.members] == ["1", "1"]
    where = addresses(Clients(), HOME, [one.id for one in found.members])
    assert sorted(where) == sorted(one.id for one in found.members)
    assert len(set(where.values())) == 2 and all(where.values())


def test_machines_of_another_version_are_not_the_ones_to_have(account: Account) -> None:
    serving(account.served)
    update(account.served, newer(account.served, account.image(who=None)))
    found = seen()
    assert (found.version, found.settled) == ("2", False)
    assert refreshed(account.served)["Status"] == "Successful"
    found = seen()
    assert found.settled and found.state.endswith("; instance refresh Successful")


def test_while_a_refresh_goes_on_nothing_is_settled(account: Account) -> None:
    serving(account.served)
    with account.served.held():
        account.served("autoscaling").start_instance_refresh(AutoScalingGroupName="web")
        found = seen()
        assert found.refresh in ACTIVE and not found.settled
    assert ended(account.served)["Status"] == "Successful"


def test_what_went_wrong_is_told(account: Account) -> None:
    serving(account.served)
    assert last_failure(Clients(), HOME, "web") == ""
    doomed(account)
    assert refreshed(account.served)["Status"] == "Failed"
    found = seen()
    assert found.refresh == "Failed" and "ami-" in found.reason
    assert "Launching EC2 instance failed" in last_failure(Clients(), HOME, "web")


def test_the_latest_refresh_counts(account: Account) -> None:
    serving(account.served)
    doomed(account)
    refreshed(account.served, MinHealthyPercentage=100, MaxHealthyPercentage=110)  # the old one stays
    update(account.served, "1")
    assert refreshed(account.served)["Status"] == "Successful"
    assert seen().refresh == "Successful" and seen().settled


def test_the_role_is_a_tag_of_the_group(account: Account) -> None:
    template(account.served)
    group(account.served, size=0)
    assert seen().role == ""
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    tags: list[dict[str, Any]] = [{**tag, "Key": "bakewell:role", "Value": "api"}]
    account.served("autoscaling").create_or_update_tags(Tags=tags)
    assert seen().role == "api" and seen().settled
    assert addresses(Clients(), HOME, []) == {}


def test_a_group_that_is_not_there_is_bad_input(account: Account) -> None:
    with pytest.raises(ConfigError, match=f"there is no auto scaling group odd in {HOME}"):
        seen("odd")
