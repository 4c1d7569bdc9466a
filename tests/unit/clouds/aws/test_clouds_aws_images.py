"""AMIs as images of ours: by their tags, and all that one build made as one, wherever it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.answers.base import Tag
from bakewell.clouds.aws.tags import pairs, texts
from bakewell.image import READY, REVOKED
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, THIRD, WHO, Account


def test_tags_survive_the_way_there_and_back() -> None:
    sent = [Tag.model_validate(pair) for pair in pairs([*WHO.tags(), READY])]
    assert texts(sent) == tuple(sorted([*WHO.tags(), READY]))
    assert {"Key": "bakewell:role", "Value": "web"} in pairs(WHO.tags())
    assert pairs([READY, "billing:team"]) == [{"Key": READY, "Value": ""}]


def test_an_image_is_found_with_its_identity_in_whatever_region(account: Account, cloud: Aws) -> None:
    made = account.image(READY, region=OTHER)
    account.image(READY, who=replace(WHO, project="other", run="f" * 12), name="other-web-1")
    account.image(who=None, name="nobody-s")
    (found,) = cloud.images.of("shop")
    assert (found.cloud, found.id, found.identity, found.regions) == ("aws", made, WHO, (OTHER,))
    assert found.name == "shop-web-1" and found.size_gb == 8.0
    assert found.ready and not found.revoked and found.lease is None
    assert cloud.images.get(made) == found


def test_what_is_not_ready_or_taken_back_says_so_and_tags_reach_the_snapshots(account: Account, cloud: Aws) -> None:
    made = account.image("bakewell:lease:1900000000")
    assert cloud.images.of("shop")[0].lease == 1900000000
    cloud.images.tag(made, [*WHO.tags(), READY, REVOKED])
    found = cloud.images.get(made)
    assert found is not None and found.ready and found.revoked and found.lease is None
    (tags,) = account.snapshots().values()
    assert tags[READY] == "" and tags["bakewell:run"] == WHO.run
    cloud.images.untag(made, [READY])
    (tags,) = account.snapshots().values()
    assert READY not in (cloud.images.tags(made) or ()) and READY not in tags and tags["bakewell:run"] == WHO.run


def test_amis_of_one_build_are_one_image_called_as_at_home(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there, third = cloud.images.copy(made, OTHER), cloud.images.copy(made, THIRD)
    (found,) = cloud.images.of("shop")
    assert found.id == made and found.elsewhere == {OTHER: there, THIRD: third}
    assert found.ids == {made, there, third} and len(found.ids) == 3
    assert found.regions == tuple(sorted((HOME, OTHER, THIRD)))
    assert [found.id_in(region) for region in (HOME, OTHER, THIRD)] == [made, there, third]
    assert found.size_gb == 3 * 8.0, "each region's snapshots are paid for"
    assert cloud.images.get(there) == cloud.images.get(made) == found, "by whichever ID it is asked for"


def test_a_copy_that_somebody_made_by_hand_is_one_of_the_images_ids(account: Account, cloud: Aws) -> None:
    """Else what boots from it would not keep the image, which is deleted with all its AMIs."""
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    by_hand = {
        region: account.served("ec2", region).copy_image(
            Name="by-hand", SourceImageId=made, SourceRegion=HOME, CopyImageTags=True
        )["ImageId"]
        for region in (HOME, OTHER)
    }
    for region, copied in by_hand.items():
        account.served.image(copied, region)
    (found,) = cloud.images.of("shop")
    assert (found.id, found.elsewhere) == (made, {OTHER: there}), "the one that has been there for longest"
    assert found.ids == {made, there, *by_hand.values()} and set(found.duplicates) == set(by_hand.values())
    assert found.id_in(HOME) == made and found.regions == tuple(sorted((HOME, OTHER)))
    account.ec2(OTHER).disable_image(ImageId=there)
    (found,) = cloud.images.of("shop")
    assert found.id_in(OTHER) == by_hand[OTHER], "the one that can be booted"


@pytest.mark.parametrize("value", ["", "true"])
@pytest.mark.parametrize("at_home", [True, False])
def test_a_revocation_is_one_on_whichever_ami_and_with_whatever_value(
    account: Account, cloud: Aws, value: str, *, at_home: bool
) -> None:
    made = account.image(READY)
    region, told = (HOME, made) if at_home else (OTHER, cloud.images.copy(made, OTHER))
    assert not cloud.images.of("shop")[0].revoked
    account.ec2(region).create_tags(Resources=[told], Tags=[{"Key": REVOKED, "Value": value}])
    assert cloud.images.of("shop")[0].revoked


def test_an_image_that_is_gone_at_home_is_called_as_in_the_first_region_that_has_it(
    account: Account, cloud: Aws
) -> None:
    made = account.image(READY)
    there, third = cloud.images.copy(made, OTHER), cloud.images.copy(made, THIRD)
    account.ec2().deregister_image(ImageId=made)
    (found,) = cloud.images.of("shop")
    assert (found.id, found.elsewhere, found.identity.home) == (there, {THIRD: third}, HOME)
    assert found.regions == (OTHER, THIRD) and found.ready
    assert found.lost == f"gone from {HOME}, where it was built"


def test_a_copy_under_way_or_disabled_is_one_that_cannot_be_booted(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    asked = {"Name": "shop-web-1", "SourceImageId": made, "SourceRegion": HOME, "CopyImageTags": True}
    with account.served.held():
        there = account.ec2(OTHER).copy_image(**asked)["ImageId"]
        (found,) = cloud.images.of("shop")
    assert found.ready and found.regions == (HOME,) and found.ids == {made, there}
    account.served.image(there, OTHER)
    account.ec2(OTHER).disable_image(ImageId=there)
    (found,) = cloud.images.of("shop")
    assert found.ready and found.regions == (HOME,) and found.ids == {made, there}
    account.ec2().disable_image(ImageId=made)
    (found,) = cloud.images.of("shop")
    assert not found.ready and found.regions == () and READY in found.tags
