"""Builders and keys: what a build makes beside its image."""

from __future__ import annotations

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.tags import pairs
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import WHO, Account

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl build"


def test_builders_and_keys_of_builds(account: Account, cloud: Aws) -> None:
    made = account.instance()
    account.ec2().create_tags(
        Resources=[made], Tags=pairs([*WHO.tags(), "bakewell:builder", "bakewell:lease:1900000000"])
    )
    account.instance()
    (builder,) = cloud.builders.of("shop")
    assert (builder.id, builder.identity, builder.lease) == (made, WHO, 1900000000)
    cloud.builders.delete(made)
    assert cloud.builders.of("shop") == []
    assert cloud.keys.create("bakewell-0123456789ab-1900000000", PUBLIC) == "bakewell-0123456789ab-1900000000"
    (key,) = cloud.keys.all()
    assert (key.run, key.lease) == ("0123456789ab", 1900000000)
    cloud.keys.delete(key.id)
    assert cloud.keys.all() == []


def test_settling_waits_for_the_images_taken_of_a_builder(account: Account, cloud: Aws) -> None:
    builder = account.instance()
    account.served.cloud.work.seconds = 0.5
    account.served.order("action_errored", action="ec2:CreateImage", nth=2)
    made = [account.ec2().create_image(InstanceId=builder, Name=name)["ImageId"] for name in ("web-1", "web-2")]
    account.image(name="another-s")
    assert sorted(cloud.builders.settle(builder)) == sorted(made)
    states = {image["State"] for image in account.ec2().describe_images(ImageIds=made)["Images"]}
    assert states == {"available", "failed"}, "one that failed is to be deleted like the other"
    cloud.builders.delete("i-0123456789abcdef0")  # gone: no error


def test_a_key_is_found_where_the_stack_built_before(account: Account, cloud: Aws) -> None:
    Aws(OTHER).keys.create("bakewell-0123456789ab-1900000000", PUBLIC)
    (key,) = cloud.keys.all()
    cloud.keys.delete(key.id)
    assert account.ec2(OTHER).describe_key_pairs()["KeyPairs"] == []
