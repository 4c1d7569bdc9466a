"""What a deletion takes along, and that the next one finishes what was cut short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.answers.images import DeviceMapping, Disk
from bakewell.clouds.aws.deletion import DELETED, WAITS
from bakewell.clouds.aws.tags import pairs
from bakewell.errors import CloudError
from bakewell.image import READY, Identity
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, THIRD, WHO, Account

IN_USE = "InvalidSnapshot.InUse"


def cut_short(cloud: Aws, image_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete an image as one does who is killed before the first snapshot goes."""

    def dies(region: str, snapshot: str, waits: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cloud.images.deletion, "snapshot", dies)
        with pytest.raises(KeyboardInterrupt):
            cloud.images.delete(image_id)


@pytest.mark.parametrize("asked", [HOME, OTHER])
def test_it_takes_every_regions_ami_and_its_snapshots(account: Account, cloud: Aws, asked: str) -> None:
    made = account.image(READY)
    kept = account.image(READY, who=replace(WHO, run="f" * 12), name="shop-web-2")
    ids = {HOME: made, OTHER: cloud.images.copy(made, OTHER), THIRD: cloud.images.copy(made, THIRD)}
    cloud.images.copy(kept, OTHER)
    assert len(account.snapshots()) == 5
    cloud.images.delete(ids[asked])
    assert cloud.images.get(made) is None and cloud.images.tags(ids[OTHER]) is None
    (found,) = cloud.images.of("shop")
    assert found.id == kept and found.regions == (OTHER, HOME)
    assert {tags["bakewell:run"] for tags in account.snapshots(HOME, OTHER).values() if tags} == {"f" * 12}
    assert len(account.snapshots()) == 2
    cloud.images.delete(made)  # gone already: no error


@pytest.mark.parametrize(
    ("flags", "who"), [([READY], WHO), (["bakewell:lease:1"], WHO), ([], None)], ids=["ready", "unfinished", "untagged"]
)
def test_snapshots_of_one_that_ended_half_way_are_swept(
    account: Account, cloud: Aws, monkeypatch: pytest.MonkeyPatch, flags: list[str], who: Identity | None
) -> None:
    kept = account.image(READY, who=replace(WHO, run="f" * 12), name="shop-web-2")
    made = account.image(*flags, who=who)
    cut_short(cloud, made, monkeypatch)
    assert cloud.images.get(made) is None and len(account.snapshots()) == 2
    (told,) = cloud.remains.sweep("shop")
    assert told.startswith("removed snapshot snap-") and told.endswith(f" in {HOME}, whose image is gone")
    assert cloud.remains.sweep("shop") == []
    assert len(account.snapshots()) == 1 and cloud.images.get(kept) is not None


def snapshot(account: Account, *tags: str) -> str:
    """One that is behind no image."""
    volume = account.ec2().create_volume(Size=1, AvailabilityZone=f"{HOME}a")["VolumeId"]
    made: str = account.ec2().create_snapshot(VolumeId=volume)["SnapshotId"]
    account.ec2().create_tags(Resources=[made], Tags=pairs(tags))
    return made


def test_what_packer_left_between_its_own_image_and_the_encrypted_one_is_swept(account: Account, cloud: Aws) -> None:
    dead = snapshot(account, *WHO.tags(), "bakewell:lease:1")
    # Of a build under way they are there, tagged, before the AMI that AWS makes of them names them.
    snapshot(account, *WHO.tags(), "bakewell:lease:1900000000")
    account.ec2().deregister_image(ImageId=account.image(READY))  # by hand, and not its snapshots
    before = set(account.snapshots())
    assert cloud.remains.sweep("other") == [] and set(account.snapshots()) == before, "a lease is of one project"
    assert len(cloud.remains.sweep("shop")) == 1 and before - set(account.snapshots()) == {dead} != before


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("ec2:DeregisterImage", "UnauthorizedOperation"),
        ("ec2:CreateTags", "RequestLimitExceeded"),
        ("ec2:DeleteSnapshot", "UnauthorizedOperation"),
        ("ec2:DeleteSnapshot", "InternalError"),
    ],
)
def test_what_fails_in_one_region_is_done_in_the_others_and_left_to_the_next_run(
    account: Account, cloud: Aws, action: str, code: str
) -> None:
    made = account.image(READY)
    for region in (OTHER, THIRD):
        cloud.images.copy(made, region)
    account.served.order("error", action=action, region=HOME, code=code, times=99)
    with pytest.raises(CloudError, match=code) as caught:
        cloud.images.delete(made)
    assert caught.value.exit_code == 3
    assert account.snapshots(OTHER, THIRD) == {} and len(account.snapshots(HOME)) == 1
    account.served.cloud.faults.clear()
    for found in cloud.images.of("shop"):
        cloud.images.delete(found.id)
    cloud.remains.sweep("shop")
    assert cloud.images.of("shop") == [] and account.snapshots() == {}


def test_failures_of_several_regions_are_told_together(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    account.served.order("error", action="ec2:DeregisterImage", code="UnauthorizedOperation", times=99)
    with pytest.raises(CloudError, match=made) as caught:
        cloud.images.delete(made)
    assert there in caught.value.what and "docs/aws.md" in caught.value.remedy


def test_a_snapshot_that_is_in_use_for_a_moment_is_tried_again(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    account.served.order("error", action="ec2:DeleteSnapshot", code=IN_USE, nth=1, times=2)
    cloud.images.delete(made)
    assert account.snapshots() == {} and cloud.remains.sweep("shop") == []
    assert len(account.calls("DeleteSnapshot")) == 3


def test_a_snapshot_that_stays_in_use_is_named_and_left_to_the_next_run(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    cloud.images.copy(made, OTHER)
    (snapshot,) = account.snapshots(HOME)
    account.served.order("error", action="ec2:DeleteSnapshot", region=HOME, code=IN_USE, times=99)
    cloud.images.delete(made)
    assert set(account.snapshots()) == {snapshot}, "and the other region was done"
    assert len(account.calls("DeleteSnapshot")) == 1 + len(WAITS) + 1, "there is an end to it"
    (told,) = cloud.remains.sweep("shop")
    assert told == (
        f"left snapshot {snapshot} in {HOME} behind: AWS says that it is still in use; the next run deletes it"
    )
    (told,) = Aws(HOME).remains.sweep("shop")
    assert told.startswith(f"left snapshot {snapshot}")
    account.served.cloud.faults.clear()
    assert Aws(HOME).remains.sweep("shop") == [f"removed snapshot {snapshot} in {HOME}, whose image is gone"]
    assert cloud.remains.sweep("shop") == [], "nobody leaves it any more"


def test_a_snapshot_that_is_gone_does_not_keep_the_others_from_being_marked(account: Account, cloud: Aws) -> None:
    """AWS tags nothing where one of the things to tag is not there; unmarked, they would stay for good."""
    place = cloud.images._place(account.image(READY))
    assert place is not None
    _, ami = place
    gone = DeviceMapping(Ebs=Disk(SnapshotId="snap-0123456789abcdef0"))
    both = ami.model_copy(update={"block_device_mappings": [gone, *(ami.block_device_mappings or ())]})
    account.served.order("error", action="ec2:DeregisterImage", code="UnauthorizedOperation")
    with pytest.raises(CloudError):
        cloud.images.deletion.ami(HOME, both)
    (tags,) = account.snapshots(HOME).values()
    assert DELETED in tags


def test_one_snapshot_that_cannot_be_swept_does_not_keep_the_others(
    account: Account, cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image in account.images(2):
        cut_short(cloud, image, monkeypatch)
    account.served.order("error", action="ec2:DeleteSnapshot", code="UnauthorizedOperation", nth=1)
    with pytest.raises(CloudError, match="delete snapshot"):
        cloud.remains.sweep("shop")
    assert len(account.snapshots()) == 1


def test_what_a_dead_build_never_tagged_goes_whole(account: Account, cloud: Aws) -> None:
    made = account.image(who=None, name="shop-web-dead")
    account.image(READY, name="shop-web-alive")
    (leftover,) = cloud.remains.untagged(["shop-web-dead", "shop-web-alive", "never-made"])
    assert (leftover.id, leftover.name) == (made, "shop-web-dead")
    assert cloud.remains.untagged([]) == []
    cloud.images.delete(made)
    assert cloud.remains.untagged(["shop-web-dead"]) == [] and len(account.snapshots()) == 1
