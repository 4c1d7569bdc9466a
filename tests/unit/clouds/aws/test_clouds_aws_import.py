"""Images of AWS that somebody else made: found, imported, forgotten."""

from __future__ import annotations

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.answers.base import Tag
from bakewell.clouds.aws.tags import texts
from bakewell.image import IMPORTED, MANAGED, READY
from bakewell.importing import images
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, Account


def test_amis_of_one_name_are_one_image_and_its_copies(account: Account, cloud: Aws) -> None:
    first = account.image(who=None, name="old-web")
    second = account.ec2(OTHER).copy_image(Name="old-web", SourceImageId=first, SourceRegion=HOME)["ImageId"]
    account.served.image(second, OTHER)
    account.image(READY, name="shop-web-1")
    (found,) = cloud.importable.all()
    assert (found.name, found.ids, found.tags) == ("old-web", {HOME: first, OTHER: second}, ())

    wanted = images.pattern("^old-")
    steps = images.plan_import(
        cloud.images, cloud.importable, wanted, project="shop", role="web", home=OTHER, managed=False
    )
    images.carry_out(cloud.images, steps, print)
    (image,) = [one for one in cloud.images.of("shop") if one.imported]
    assert image.ready and not image.managed and image.identity.home == OTHER and set(image.regions) == {HOME, OTHER}
    assert image.ids == {first, second} and cloud.importable.all() == []
    assert sum(IMPORTED in tags for tags in account.snapshots(HOME, OTHER).values()) == 2, "their disks' snapshots too"

    forget = images.plan_forget(cloud.images, cloud.importable, wanted, project="shop", role="web", pins=frozenset())
    images.carry_out(cloud.images, forget, print)
    (found,) = cloud.importable.all()
    assert found.tags == () and found.ids == {HOME: first, OTHER: second}


def test_a_hand_over_is_never_a_value_that_somebody_wrote() -> None:
    tags = [{"Key": IMPORTED, "Value": "yes"}, {"Key": MANAGED, "Value": "false"}]
    found = texts([Tag.model_validate(tag) for tag in tags])
    assert IMPORTED in found and MANAGED not in found
