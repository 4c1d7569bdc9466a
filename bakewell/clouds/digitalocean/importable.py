"""Images of a DigitalOcean account that somebody else made: snapshots, and images that were uploaded."""

from __future__ import annotations

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.resources import Unidentified
from bakewell.image import Identity


class Importable:
    """What an import can take in. Backups are left out: DigitalOcean deletes them by itself."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def all(self) -> list[Unidentified]:
        return [
            Unidentified(item.name, dict.fromkeys(sorted(item.regions), item.key), tuple(item.tags or ()))
            for item in self._api.pages("/v2/images", answers.IMAGES, private="true")
            if item.type in ("snapshot", "custom") and item.status == "available" and item.regions
            if Identity.from_tags(item.tags or ()) is None
        ]
