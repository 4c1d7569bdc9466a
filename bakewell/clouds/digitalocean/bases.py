"""DigitalOcean's own images, by slug or ID."""

from __future__ import annotations

import re

from bakewell.clouds.digitalocean.api import Api, NotFound
from bakewell.clouds.digitalocean.images import look
from bakewell.clouds.facts import Arch
from bakewell.clouds.resources import Stock
from bakewell.errors import ConfigError

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # it becomes a part of a URL's path


class Bases:
    """Images that builds start from."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def usual(self, base: str) -> str:
        return f"{base}-x64"

    def stock(self, image: str) -> Stock:
        if not _IMAGE.fullmatch(image):
            raise ConfigError(
                f"`{image[:60]}` is no image of DigitalOcean's: neither a slug nor an ID",
                remedy="name a slug such as debian-12-x64; `doctl compute image list-distribution` lists them",
            )
        item = look(self._api, image)
        ids = dict.fromkeys(sorted(item.regions), item.key)
        return Stock(name=item.name, date=f"{item.created_at:%Y-%m-%d}", ids=ids)

    def start(self, image: str) -> str:
        return image  # the API takes slugs

    def check(self, base: str, arch: Arch) -> None:
        """Raise ConfigError where no droplet can be made from a vendor's image any more. `base`: its slug or ID."""
        del arch  # there is one, see `bakewell.clouds.facts`
        remedy = "run `bakewell lock` for a newer release of it, or name another base in packer/bases.lock"
        try:
            image = look(self._api, base)
        except NotFound:
            raise ConfigError(f"base image {base}: DigitalOcean does not have it (any more)", remedy=remedy) from None
        if image.status != "available":
            raise ConfigError(f"base image {base}: no droplet is made from it, it is {image.status}", remedy=remedy)
