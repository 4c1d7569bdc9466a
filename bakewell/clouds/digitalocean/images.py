"""Snapshots of ours: droplet snapshots that carry the identity tags of `bakewell.image`.

Lists are read whole (`Api.pages`), and every answer strictly (`answers`): what it leaves out is not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.actions import Actions
from bakewell.clouds.digitalocean.api import Api, NotFound, Refused
from bakewell.clouds.digitalocean.tags import TagObjects
from bakewell.errors import CloudError
from bakewell.image import READY, REVOKED, Identity, Image, lease_of, tag

WAIT_TRANSFER = 60 * 60.0  # seconds; transfers outlast Packer's own 30-minute limit


class Images:
    """The images of an account."""

    def __init__(self, api: Api, actions: Actions, tag_objects: TagObjects) -> None:
        self._api, self._actions, self._tag_objects = api, actions, tag_objects

    def of(self, project: str) -> list[Image]:
        listed = self._api.pages("/v2/images", answers.IMAGES, tag_name=tag("project", project))
        images = (_image(item) for item in listed if item.status != "deleted")
        return [image for image in images if image is not None and image.identity.project == project]

    def get(self, image_id: str) -> Image | None:
        try:
            return _image(look(self._api, image_id))
        except NotFound:
            return None

    def delete(self, image_id: str) -> None:
        self._api.delete(f"/v2/images/{image_id}")

    def regions(self, image_id: str) -> tuple[str, ...]:
        return tuple(sorted(look(self._api, image_id).regions))

    def copy(self, image_id: str, region: str) -> str:
        if region not in self.regions(image_id):
            self._transfer(image_id, region)
        return image_id

    def _transfer(self, image_id: str, region: str) -> None:
        path = f"/v2/images/{image_id}/actions"
        try:
            action = self._begin(path, region)
        except Refused as error:
            # Refused while another transfer of the image runs, perhaps one that an interrupted copy began, which may
            # have ended by now. What is refused for another reason is refused again.
            if error.status != 422:
                raise
            self._actions.wait_all(path, WAIT_TRANSFER)
            if region in self.regions(image_id):
                return
            action = self._begin(path, region)
        self._actions.wait(f"{path}/{action.id}", f"transfer of image {image_id} to {region}", WAIT_TRANSFER)
        if region not in self.regions(image_id):
            raise CloudError(
                f"image {image_id} is not in {region} although its transfer completed", remedy="run the command again"
            )

    def _begin(self, path: str, region: str) -> answers.Action:
        return self._api.post(path, {"type": "transfer", "region": region}, answers.ACTION).it

    def tags(self, image_id: str) -> tuple[str, ...] | None:
        try:
            item = look(self._api, image_id)
        except NotFound:
            return None
        return None if item.status == "deleted" else tuple(item.tags or ())

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        for name in tags:
            self._tag_objects.put(image_id, name)

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        for name in tags:
            self._tag_objects.take(image_id, name)
        self._tag_objects.delete_unused(tags)


def look(api: Api, image: str) -> answers.Image:
    """One image by its ID or slug, whoever's it is. Raises NotFound."""
    return api.get(f"/v2/images/{image}", answers.IMAGE).it


def _image(item: answers.Image) -> Image | None:
    tags = tuple(item.tags or ())
    identity = Identity.from_tags(tags)
    if identity is None:
        return None
    ready = READY in tags and item.status == "available"
    return Image(
        cloud="digitalocean",
        id=item.key,
        name=item.name,
        identity=identity,
        created_at=item.created_at,
        size_gb=item.size_gigabytes or 0.0,
        min_disk_gb=item.min_disk_size,
        regions=tuple(sorted(item.regions)),
        ready=ready,
        revoked=REVOKED in tags,
        lease=None if ready else lease_of(tags),
        tags=tags,
    )
