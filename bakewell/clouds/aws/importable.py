"""AMIs of an account that somebody else made."""

from __future__ import annotations

from bakewell.clouds.aws.answers.images import Ami
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.tags import texts
from bakewell.clouds.resources import Unidentified
from bakewell.image import Identity


class Importable:
    """What an import can take in: available AMIs. Those of one name in several regions are an image and its copies."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def all(self) -> list[Unidentified]:
        by_name: dict[str, list[tuple[str, Ami]]] = {}
        for region, ami in sorted(self._images.amis([]), key=lambda place: place[0]):
            if ami.state == "available" and ami.name and Identity.from_tags(texts(ami.tags)) is None:
                by_name.setdefault(ami.name, []).append((region, ami))
        return [
            Unidentified(
                name=name,
                ids={region: ami.image_id for region, ami in places},
                tags=tuple(sorted({text for _, ami in places for text in texts(ami.tags)})),
            )
            for name, places in by_name.items()
        ]
