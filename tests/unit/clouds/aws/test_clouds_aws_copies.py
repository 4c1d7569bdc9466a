"""Copies: an AMI of its own in each region, made once, and made again where it failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY
from tests.contract.aws.served import OTHER, SLOW_SECONDS
from tests.unit.clouds.aws.conftest import HOME, THIRD, WHO, Account, pause
from tests.waiting import until


def test_a_copy_is_waited_for_and_made_once(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    (image,) = account.ec2(OTHER).describe_images(ImageIds=[there])["Images"]
    assert image["State"] == "available" and image["Name"] == "shop-web-1" and there != made
    assert cloud.images.copy(made, OTHER) == Aws(HOME).images.copy(made, OTHER) == there
    assert cloud.images.copy(made, HOME) == made
    assert len(account.calls("CopyImage")) == 1
    assert set(cloud.images.tags(there) or ()) == {*WHO.tags(), READY}
    (tags,) = account.snapshots(OTHER).values()
    assert tags["bakewell:run"] == WHO.run and READY in tags


def test_one_that_an_interrupted_command_began_is_waited_for(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    account.served.cloud.work.seconds = SLOW_SECONDS
    begun = account.ec2(OTHER).copy_image(Name="shop-web-1", SourceImageId=made, SourceRegion=HOME, CopyImageTags=True)[
        "ImageId"
    ]
    assert cloud.images.copy(made, OTHER) == begun
    assert len(account.calls("CopyImage")) == 1


def test_one_that_failed_is_an_error_and_the_next_command_removes_it_and_makes_another(
    account: Account, cloud: Aws
) -> None:
    made = account.image(READY)
    account.served.order("action_errored", action="ec2:CopyImage", nth=1)
    with pytest.raises(CloudError, match=f"the copy of {made} to {OTHER} failed: .*fault rule"):
        cloud.images.copy(made, OTHER)
    (failed,) = account.ec2(OTHER).describe_images(Owners=["self"])["Images"]
    assert failed["State"] == "failed"
    left = set(account.snapshots(OTHER))
    there = cloud.images.copy(made, OTHER)
    (image,) = account.ec2(OTHER).describe_images(Owners=["self"])["Images"]
    assert image["ImageId"] == there != failed["ImageId"]
    assert left and not left & set(account.snapshots(OTHER))
    assert len(account.calls("CopyImage")) == 2


def test_one_that_somebody_disabled_is_left_alone(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    account.ec2(OTHER).disable_image(ImageId=there)
    with pytest.raises(CloudError, match=f"the copy of {made} in {OTHER}, {there}, is disabled") as caught:
        cloud.images.copy(made, OTHER)
    assert f"--region {OTHER} --image-id {there}" in caught.value.remedy
    assert len(account.snapshots(OTHER)) == 1


def test_a_copy_is_encrypted_with_the_key_that_the_stack_names(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    Aws(HOME, kms_key="alias/images", sleep=pause).images.copy(made, OTHER)
    cloud.images.copy(made, THIRD)
    keys = {
        region: [
            (one["Encrypted"], one.get("KmsKeyId"))
            for one in account.ec2(region).describe_snapshots(OwnerIds=["self"])["Snapshots"]
        ]
        for region in (OTHER, THIRD)
    }
    assert keys == {OTHER: [(True, "alias/images")], THIRD: [(False, None)]}


def test_commands_that_copy_at_once_mean_one_copy(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    account.served.order("hold_before", action="ec2:CopyImage", times=2)
    with ThreadPoolExecutor() as pool:
        copies = [pool.submit(Aws(HOME, sleep=pause).images.copy, made, OTHER) for _ in range(2)]
        until(lambda: len(account.calls("CopyImage")), lambda asked: asked == 2)
        account.served.http.delete("/sandbox/faults")
    assert len({copy.result() for copy in copies}) == 1
    assert len(account.ec2(OTHER).describe_images(Owners=["self"])["Images"]) == 1


def test_one_that_was_deleted_is_made_again(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    first = cloud.images.copy(made, OTHER)
    account.ec2(OTHER).deregister_image(ImageId=first)
    second = cloud.images.copy(made, OTHER)
    assert second != first and cloud.images.of("shop")[0].elsewhere == {OTHER: second}


def test_what_is_gone_or_nobodys_is_not_copied(account: Account, cloud: Aws) -> None:
    with pytest.raises(CloudError, match="image ami-0123 is gone"):
        cloud.images.copy("ami-0123", OTHER)
    with pytest.raises(CloudError, match="carries no identity"):
        cloud.images.copy(account.image(who=None, name="nobodys"), OTHER)
    with pytest.raises(ConfigError, match="me-south-1 is not enabled") as caught:
        cloud.images.copy(account.image(READY), "me-south-1")
    assert OTHER in caught.value.remedy
