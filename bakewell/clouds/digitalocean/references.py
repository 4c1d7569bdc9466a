"""Who needs an image on DigitalOcean: droplets, and autoscale pools.

An account without autoscale pools answers 404 for them, in DigitalOcean's own words, and that means none; any other
failure is an error.
"""

from __future__ import annotations

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api, NotFound
from bakewell.image import Reference


class References:
    """Who needs the images of an account."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def all(self) -> list[Reference]:
        droplets = [*self._api.pages("/v2/droplets", answers.DROPLETS), *gpu_droplets(self._api)]
        return [
            *(Reference(droplet.image.key, "droplet", droplet.key, droplet.name) for droplet in droplets),
            *(Reference(p.droplet_template.image, "autoscale pool", p.key, p.name) for p in self.pools()),
        ]

    def pools(self) -> list[answers.Pool]:
        """Every autoscale pool."""
        try:
            return self._api.pages("/v2/droplets/autoscale", answers.POOLS)
        except NotFound:
            return []


def gpu_droplets(api: Api) -> list[answers.Droplet]:
    """Those with a GPU, which no other list of droplets shows; the API can't filter them by tag."""
    return api.pages("/v2/droplets", answers.DROPLETS, type="gpus")
