"""Vendors' AMIs: found by owner and name, or by the SSM parameter that a vendor publishes them at."""

from __future__ import annotations

from collections.abc import Sequence

from bakewell.clouds.aws import calls, checks
from bakewell.clouds.aws.answers.images import Ami
from bakewell.clouds.aws.api import Clients, fitting, unless_gone
from bakewell.clouds.aws.regions import Regions
from bakewell.clouds.facts import Arch
from bakewell.clouds.resources import Stock
from bakewell.errors import CloudError, ConfigError
from bakewell.settings.builders import AwsBuilder

DEBIAN = "136693071363"
"""Debian's account: https://wiki.debian.org/Cloud/AmazonEC2Image."""

Found = tuple[str, Sequence[Ami]]
"""A region, and its images that fit, the newest first."""


class Bases:
    """The AMIs of vendors, as an account sees them.

    Args:
        builder: where and how images are built.
    """

    def __init__(self, regions: Regions, builder: AwsBuilder) -> None:
        self._regions, self._builder = regions, builder

    def usual(self, base: str) -> str:
        return f"{DEBIAN}/{base}-*" if base.endswith("-arm64") else f"{DEBIAN}/{base}-amd64-*"

    def stock(self, image: str) -> Stock:
        """`newest` of every enabled region."""
        regions = self._regions
        return newest(image, regions.home, regions.everywhere(lambda region: [look(regions.clients, image, region)]))

    def start(self, image: str) -> str:
        """Its ID in the first region: an API that starts machines takes nothing else."""
        return self.stock(image).ids[self._regions.home]

    def check(self, base: str, arch: Arch) -> None:
        clients, home = self._regions.clients, self._regions.home
        checks.builder(clients, home, self._builder, arch)
        check(clients, base if base.startswith("ami-") else self.start(base), home, arch)


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
    name = chosen.name or ""
    # Only regions that have this very image: another date elsewhere would be another image. One may have a newer, too.
    ids = {
        where: ami.image_id
        for where, amis in sorted(found.items())
        for ami in reversed(amis)
        if ami.name == chosen.name
    }
    return Stock(name=name, date=(chosen.creation_date or "")[:10], ids=ids)


def look(clients: Clients, image: str, region: str) -> Found:
    """The images in `region` that `image` means.

    Args:
        image: `<owner's account ID>/<name, with * for what changes>`, or `ssm:<parameter>` whose value is an AMI.
    """
    if image.startswith("ssm:"):
        value = ""
        name = image.removeprefix("ssm:")
        with unless_gone(name):
            what = f"read parameter {name} in {region}"
            value = clients.ask(region, calls.PARAMETER, what, Name=name).parameter.value
        if not value:
            return region, []
        listed = clients.ask(region, calls.IMAGES, f"look at image {value} in {region}", ImageIds=[value]).images
    else:
        owner, _, name = image.partition("/")
        filters = [{"Name": "name", "Values": [name]}, {"Name": "state", "Values": ["available"]}]
        what = f"find image {image} in {region}"
        pages = clients.pages(region, calls.IMAGES, what, Owners=[owner], Filters=filters)
        listed = [ami for page in pages for ami in page.images]
    return region, sorted(listed, key=lambda ami: ami.creation_date or "", reverse=True)


def check(clients: Clients, image_id: str, region: str, arch: Arch) -> None:
    """Raise ConfigError unless a machine that builds can be started from the AMI: it is there, ours to use, not
    disabled, and for the processors that the build is for.
    """
    remedy = "lock what there is now: bakewell lock BASE --cloud aws"
    found: Sequence[Ami] = []
    with unless_gone(image_id):
        what = f"look at image {image_id} in {region}"
        listed = clients.ask(region, calls.IMAGES, what, ImageIds=[image_id], IncludeDisabled=True).images
        found = fitting(listed, [{"Name": "image-id", "Values": [image_id]}], calls.IMAGES, what)
    if not found:
        raise ConfigError(
            f"base image {image_id} is not in {region}, or no longer shared with this account", remedy=remedy
        )
    if (state := found[0].state) != "available":
        raise ConfigError(f"base image {image_id} in {region} is {state}", remedy=remedy)
    if (built_for := found[0].architecture or "x86_64") != arch:
        raise ConfigError(
            f"base image {image_id} in {region} is for {built_for}, and the image that is built on it is for {arch}",
            remedy=f"lock one for {arch}: bakewell lock BASE --cloud aws --image …; or state `arch` in image.toml",
        )
