"""What DigitalOcean offers now: sizes of droplets, with their regions and disks.

Read only when a preview asks, and strictly: a size that the answer leaves out would be refused as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.resources import Running, Size
from bakewell.image import parse_tag, tag


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
