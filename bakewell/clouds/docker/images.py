"""Docker's images of ours: commits of builders.

A builder is a container whose labels are the identity of `bakewell.image` (`bakewell:role:web` is the label
`bakewell:role` with the value `web`). A commit takes them along, and its message is the image's name. Whatever is made
from an image has its labels too (`docker build` on it, a commit of a machine), but another message, and so is none of
ours.

Labels stay as they are; what comes and goes is a repository tag: of an image of project shop, role web and run
0123456789ab, `bakewell:ready` is `bakewell/shop/web:0123456789ab.ready`. With that one the image gets its name, too:
`bakewell/shop/web:<name>`, for people, and as a sign that the lease among its labels counts no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bakewell.clouds.docker import answers, api
from bakewell.clouds.docker.api import Engine
from bakewell.clouds.docker.tags import bare, repository, short, texts, version
from bakewell.errors import CloudError, ConfigError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, lease_of

REGION = "local"


class Images:
    """The images of one engine. There is one region, `local`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, project: str) -> list[Image]:
        listed = api.images(self._engine.client, "list images", label=f"{NAMESPACE}:project={project}")
        return [image for item in listed if (image := self.listed(item)) and image.identity.project == project]

    def listed(self, item: answers.ListedImage) -> Image | None:
        """An image of a list; None where it is none of ours. Only one image by itself shows its message."""
        if Identity.from_tags(texts(item.labels)) is None:
            return None
        found = self.look(item.id)
        if found is not None and set(texts(_labels(found))) != set(texts(item.labels)):
            raise CloudError(
                f"Docker, asked to look at image {item.id}: it has other labels than in the list of images",
                remedy="run the command again",
            )
        return None if found is None else _parse(found)

    def get(self, image_id: str) -> Image | None:
        found = self.look(image_id)
        return None if found is None else _parse(found)

    def look(self, name: str) -> answers.Image | None:
        """One image, whoever's it is; None where there is none of that name or ID."""
        what, found = f"look at image {name}", None
        with api.asking(what), api.unless_gone("image"):
            found = api.read(answers.Image, self._engine.client.api.inspect_image(name), what)  # type: ignore[no-untyped-call]
        return found  # noqa: RET504 - None where the assignment was cut short

    def delete(self, image_id: str) -> None:
        with api.asking(f"delete image {image_id}"), api.unless_gone("image"):
            self._engine.client.api.remove_image(image_id, force=True, noprune=True)

    def copy(self, image_id: str, region: str) -> str:
        if region != REGION:
            raise ConfigError(f"Docker has no region `{region}`", remedy=f"its one region is {REGION}")
        return image_id

    def tags(self, image_id: str) -> tuple[str, ...] | None:
        found = self.look(image_id)
        if found is None:
            return None
        image = _parse(found)
        return image.tags if image else ()

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        image = self.get(image_id)
        if image is None:
            raise CloudError(f"image {image_id} is gone, or none of ours", remedy="run the command again")
        versions = [version(image.run, text) for text in tags if text not in image.identity.tags()]
        with api.asking(f"tag image {image_id}"):
            for name in (*versions, *([image.name] if READY in tags else [])):
                self._engine.client.api.tag(image_id, repository(image.identity), name)

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        found = self.look(image_id)
        image = None if found is None else _parse(found)
        if found is None or image is None:
            return
        where, has = repository(image.identity), tuple(found.tags or ())
        with api.asking(f"untag image {image_id}"):
            if image.ready and lease_of(tags) is not None:  # a label: it counts no more once the name is there
                self._engine.client.api.tag(image_id, where, image.name)
                has = (*has, f"{where}:{image.name}")
            going = [one for text in tags if (one := f"{where}:{version(image.run, text)}") in has]
            if going and len(going) == len(has):
                self._engine.client.api.tag(image_id, where, image.run)  # or Docker deletes it with the last one
            for one in going:
                self._engine.client.api.remove_image(one)


def _parse(found: answers.Image) -> Image | None:
    labels, name = texts(_labels(found)), found.comment
    identity = Identity.from_tags(labels)
    if identity is None or not name.endswith(f"-{identity.run[:6]}"):
        return None
    has = found.tags or ()
    before = f"{repository(identity)}:{identity.run}."
    given = [f"{NAMESPACE}:{one.removeprefix(before).replace('.', ':')}" for one in has if one.startswith(before)]
    lease = [] if f"{repository(identity)}:{name}" in has else [text for text in labels if lease_of([text])]
    tags = tuple(dict.fromkeys((*identity.tags(), *lease, *given)))
    return Image(
        cloud="docker",
        id=bare(found.id),
        name=name,
        identity=identity,
        created_at=created(found),
        size_gb=found.size / 1e9,
        regions=(REGION,),
        ready=READY in tags,
        revoked=REVOKED in tags,
        lease=None if READY in tags else lease_of(tags),
        tags=tags,
    )


def _labels(found: answers.Image) -> Mapping[str, str] | None:
    return found.config.labels if found.config else None


def created(found: answers.Image) -> datetime:
    """When it was made. Raises CloudError where Docker does not say."""
    if found.created is None:
        raise CloudError(
            f"Docker does not say when image {short(found.id)} was made", remedy="build it again, or lock another one"
        )
    return found.created
