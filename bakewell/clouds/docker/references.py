"""Who needs an image on Docker."""

from __future__ import annotations

from bakewell.clouds.docker import api
from bakewell.clouds.docker.api import Engine
from bakewell.clouds.docker.images import Images
from bakewell.clouds.docker.tags import bare, called, short
from bakewell.image import Reference


class References:
    """Who needs the images of one engine."""

    def __init__(self, engine: Engine, images: Images) -> None:
        self._engine, self._images = engine, images

    def all(self) -> list[Reference]:
        """Containers, running or not; and images of others: Docker deletes none that another is built on."""
        containers = api.containers(self._engine.client, "list containers")
        images = api.images(self._engine.client, "list images")
        derived = [item for item in images if item.parent and self._images.listed(item) is None]
        return [
            *(Reference(bare(one.image), "container", short(one.id), called(one.names)) for one in containers),
            *(Reference(bare(one.parent), "image", short(one.id), called(one.tags)) for one in derived),
        ]
