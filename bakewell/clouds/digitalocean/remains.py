"""What builds that were cut short leave on DigitalOcean: snapshots without tags, and tags that nothing carries."""

from __future__ import annotations

from collections.abc import Collection

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.digitalocean.tags import TagObjects
from bakewell.clouds.resources import Leftover
from bakewell.image import Identity


class Remains:
    """What is left in one account."""

    def __init__(self, api: Api, tag_objects: TagObjects) -> None:
        self._api, self._tag_objects = api, tag_objects

    def untagged(self, names: Collection[str]) -> list[Leftover]:
        if not names:
            return []
        return [
            Leftover(item.key, item.name)
            for item in self._api.pages("/v2/images", answers.IMAGES, private="true")
            if item.name in names and Identity.from_tags(item.tags or ()) is None
        ]

    def sweep(self, project: str) -> list[str]:
        """Tags of every project, for a tag belongs to none: those that nothing carries."""
        del project
        # A glance will do: each is looked at again, and one that is missed goes next time.
        tags = self._api.glance("/v2/tags", answers.TAGS)
        self._tag_objects.delete_unused([item.name for item in tags if item.resources.count == 0])
        return []
