"""What DigitalOcean offers now: sizes of droplets with their regions and disks, regions, vendors' images.

Read only when a preview asks, and strictly: a size that the answer leaves out would be refused as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bakewell.clouds import Running, Size
from bakewell.clouds.digitalocean import answers
from bakewell.clouds.http import Api, NotFound
from bakewell.errors import ConfigError
from bakewell.image import parse_tag, tag
from bakewell.reading import did_you_mean


class Offers:
    """What one account may create."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def sizes(self) -> Mapping[str, Size]:
        """Every size by its slug, those that no region has at present included."""
        return {
            size.slug: Size(size.disk, frozenset(size.regions if size.available else ()))
            for size in self._api.pages("/v2/sizes", answers.SIZES)
        }

    def running(self, project: str) -> Collection[Running]:
        """The droplets of `project` that have a role: machines of its stacks, and builders."""
        found = []
        for droplet in self._api.pages("/v2/droplets", answers.SIZED_DROPLETS, tag_name=tag("project", project)):
            pairs = dict(pair for pair in map(parse_tag, droplet.tags) if pair)
            if role := pairs.get("role"):
                found.append(Running(role, droplet.size_slug, droplet.region.slug, droplet.image.key))
        return found

    def check_regions(self, wanted: Collection[str]) -> None:
        """Raise ConfigError for a region that there is not."""
        known = {region.slug for region in self._api.pages("/v2/regions", answers.REGIONS)}
        for region in wanted:
            if region not in known:
                raise ConfigError(
                    f"bakewell:digitalocean.regions: DigitalOcean has no region {region}"
                    f"{did_you_mean(region, sorted(known))}",
                    remedy=f"name one of: {', '.join(sorted(known))}",
                )

    def check_base(self, base: str) -> None:
        """Raise ConfigError where no droplet can be made from a vendor's image any more. `base`: its slug or ID."""
        remedy = "run `bakewell lock` for a newer release of it, or name another base in packer/bases.lock"
        try:
            image = self._api.get(f"/v2/images/{base}", answers.IMAGE).it
        except NotFound:
            raise ConfigError(f"base image {base}: DigitalOcean does not have it (any more)", remedy=remedy) from None
        if image.status != "available":
            raise ConfigError(f"base image {base}: no droplet is made from it, it is {image.status}", remedy=remedy)
