"""Vendors' AMIs: found by owner and name, or by the SSM parameter that a vendor publishes them at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bakewell.clouds import Stock
from bakewell.clouds.aws.api import Clients, Refusal, asking, unless_gone
from bakewell.errors import CloudError, ConfigError

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef, ImageTypeDef

DEBIAN = "136693071363"
"""Debian's account: https://wiki.debian.org/Cloud/AmazonEC2Image."""

ARCHITECTURE = "x86_64"
"""Of the machines that build (`bakewell.clouds.facts`), and so of all images."""

Found = tuple[str, "Sequence[ImageTypeDef]"]
"""A region, and its images that fit, the newest first."""


def newest(image: str, region: str, everywhere: Sequence[Found]) -> Stock:
    """What `image` means: in `region` the newest there is, elsewhere the one of the same name.

    Raises:
        CloudError: there is none in `region`.
    """
    found = {where: items for where, items in everywhere if items}
    if region not in found:
        raise CloudError(
            f"no image `{image}` in {region}",
            remedy="name one as OWNER/NAME-PATTERN or ssm:PARAMETER: bakewell lock BASE --cloud aws --image …",
        )
    chosen = found[region][0]
    name = chosen.get("Name", "")
    # Only regions that have this very image: another date elsewhere would be another image. One may have a newer, too.
    ids = {
        where: item["ImageId"]
        for where, items in sorted(found.items())
        for item in reversed(items)
        if item.get("Name") == name
    }
    return Stock(name=name, date=chosen.get("CreationDate", "")[:10], ids=ids)


def look(clients: Clients, image: str, region: str) -> Found:
    """The images in `region` that `image` means.

    Args:
        image: `<owner's account ID>/<name, with * for what changes>`, or `ssm:<parameter>` whose value is an AMI.
    """
    ec2 = clients.ec2(region)
    if image.startswith("ssm:"):
        value = ""
        with unless_gone(), asking(f"read parameter {image[4:]} in {region}"):
            value = clients.ssm(region).get_parameter(Name=image[4:])["Parameter"].get("Value", "")
        if not value:
            return region, []
        with asking(f"look at image {value} in {region}"):
            listed = ec2.describe_images(ImageIds=[value])["Images"]
    else:
        owner, _, name = image.partition("/")
        filters: list[FilterTypeDef] = [
            {"Name": "name", "Values": [name]},
            {"Name": "state", "Values": ["available"]},
        ]
        with asking(f"find image {image} in {region}"):
            pages = ec2.get_paginator("describe_images").paginate(Owners=[owner], Filters=filters)
            listed = [item for page in pages for item in page["Images"]]
    return region, sorted(listed, key=lambda item: item.get("CreationDate", ""), reverse=True)


def check(clients: Clients, image_id: str, region: str) -> None:
    """Raise ConfigError unless a machine that builds can be started from the AMI: it is there, ours to use, not
    disabled, and for our processors.
    """
    remedy = "lock what there is now: bakewell lock BASE --cloud aws"
    try:
        with asking(f"look at image {image_id} in {region}"):
            found = clients.ec2(region).describe_images(ImageIds=[image_id], IncludeDisabled=True)["Images"]
    except Refusal as error:
        if not error.code.startswith("InvalidAMIID"):
            raise
        found = []
    if not found:
        raise ConfigError(
            f"base image {image_id} is not in {region}, or no longer shared with this account", remedy=remedy
        )
    if (state := found[0].get("State")) != "available":
        raise ConfigError(f"base image {image_id} in {region} is {state}", remedy=remedy)
    if (built_for := found[0].get("Architecture", ARCHITECTURE)) != ARCHITECTURE:
        raise ConfigError(
            f"base image {image_id} in {region} is for {built_for}, and images are built on {ARCHITECTURE}",
            remedy="lock one for amd64: bakewell lock BASE --cloud aws --image …",
        )
