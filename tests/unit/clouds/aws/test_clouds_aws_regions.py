"""Regions that a policy of the organization closes: what may be left out, and what must not."""

from __future__ import annotations

import pytest

from bakewell.clouds import connect
from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY
from bakewell.settings import AwsSettings, Environment, Settings
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, THIRD, Account, pause

DENY = "is not authorized to perform: ec2:DescribeImages with an explicit deny in a service control policy"
NO_ALLOW = "is not authorized to perform: ec2:DescribeImages because no service control policy allows the action"
BY_ORGANIZATION = {
    "a deny": ("UnauthorizedOperation", f"You are not authorized to perform this operation. User: arn {DENY}"),
    "a deny with its policy": ("AccessDenied", f"User: arn {DENY}: arn:aws:organizations::1:policy/o-1/p-1"),
    "no allow": ("AccessDeniedException", f"User: arn {NO_ALLOW}"),
}
FOR_ANOTHER_REASON = {
    "no reason": ("UnauthorizedOperation", "You are not authorized to perform this operation. Encoded message: 4f"),
    "the role": ("UnauthorizedOperation", "User: arn is not … with an explicit deny in an identity-based policy"),
    "no permission": ("UnauthorizedOperation", "User: arn is not … because no identity-based policy allows the action"),
    "a boundary": ("AccessDenied", "User: arn is not … with an explicit deny in a permissions boundary"),
    "a session": ("AccessDenied", "User: arn is not … with an explicit deny in a session policy"),
    "the resource": ("AccessDenied", "User: arn is not … with an explicit deny in a resource control policy"),
    "an endpoint": ("UnauthorizedOperation", "User: arn is not … because no VPC endpoint policy allows the action"),
    "a token of the old kind": ("AuthFailure", "AWS was not able to validate the provided access credentials"),
    "a service that was not subscribed to": ("OptInRequired", "You are not subscribed to this service"),
    "another error that says the words": ("InternalError", DENY),
}


def deny(account: Account, region: str, why: tuple[str, str], action: str = ".*") -> None:
    code, message = why
    account.served.order("error", action=action, region=region, code=code, message=message, status=403, times=999)


@pytest.mark.parametrize("why", BY_ORGANIZATION)
def test_a_region_that_the_organization_closes_is_left_out(account: Account, cloud: Aws, why: str) -> None:
    made = account.image(READY)
    user = account.instance(made)
    deny(account, OTHER, BY_ORGANIZATION[why])
    assert [image.id for image in cloud.images.of("shop")] == [made]
    assert user in {reference.id for reference in cloud.references.all()}
    assert not (cloud.builders.of("shop") or cloud.keys.all() or cloud.remains.sweep("shop"))


@pytest.mark.parametrize("why", FOR_ANOTHER_REASON)
def test_one_that_is_refused_for_another_reason_is_an_error(account: Account, cloud: Aws, why: str) -> None:
    deny(account, OTHER, FOR_ANOTHER_REASON[why])
    with pytest.raises(CloudError, match=f"in {OTHER}"):
        cloud.images.of("shop")


@pytest.mark.parametrize("region", [HOME, OTHER])
def test_a_region_of_the_stack_is_never_left_out(account: Account, region: str) -> None:
    settings = Settings(clouds=["aws"], aws=AwsSettings(regions=[HOME, OTHER]))
    cloud = connect("aws", Environment.read({}), settings)
    deny(account, region, BY_ORGANIZATION["a deny"], action="ec2:DescribeImages")
    with pytest.raises(CloudError, match=f"list images in {region}: .*explicit deny"):
        cloud.images.of("shop")


def test_a_region_of_the_stack_that_is_not_enabled_is_refused(account: Account) -> None:
    with pytest.raises(ConfigError, match="me-south-1 is not enabled"):
        Aws(HOME, further=["me-south-1"]).images.of("shop")


@pytest.mark.parametrize("action", ["ec2:DescribeInstances", "autoscaling:.*"])
def test_one_where_only_other_questions_are_refused_is_an_error(account: Account, cloud: Aws, action: str) -> None:
    """Its AMIs are seen, and would be deleted; who needs them is not."""
    cloud.images.copy(account.image(READY), OTHER)
    fresh = Aws(HOME, sleep=pause)
    deny(account, OTHER, BY_ORGANIZATION["a deny"], action=action)
    with pytest.raises(CloudError, match=f"in {OTHER}.*explicit deny"):
        fresh.references.all()


def test_one_that_closes_while_its_images_are_looked_at_is_an_error(account: Account, cloud: Aws) -> None:
    cloud.images.copy(account.image(READY), OTHER)
    assert len(cloud.images.of("shop")[0].regions) == 2
    deny(account, OTHER, BY_ORGANIZATION["a deny"])
    with pytest.raises(CloudError, match=f"in {OTHER}.*explicit deny"):
        cloud.references.all()


def test_one_that_was_closed_is_not_touched_when_it_opens(account: Account, cloud: Aws) -> None:
    """What needs its AMIs was not looked at."""
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    fresh = Aws(HOME, sleep=pause)
    deny(account, OTHER, BY_ORGANIZATION["a deny"])
    assert fresh.images.of("shop")[0].ids == {made}
    account.served.cloud.faults.clear()
    fresh.images.delete(made)
    assert cloud.images.tags(made) is None and cloud.images.tags(there) is not None


def test_an_image_that_was_built_in_a_closed_region_is_an_error(account: Account, cloud: Aws) -> None:
    """It would pass for one that is gone from there, and be built again."""
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    elsewhere = Aws(THIRD, sleep=pause)
    deny(account, HOME, BY_ORGANIZATION["a deny"])
    for ask in (lambda: elsewhere.images.of("shop"), lambda: elsewhere.images.get(there)):
        with pytest.raises(CloudError, match=f"built in {HOME}, which a policy of the organization closes") as caught:
            ask()
        assert "leave it open" in caught.value.remedy
