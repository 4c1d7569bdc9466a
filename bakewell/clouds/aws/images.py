"""AMIs of ours and the snapshots behind them: found in every region, copied, tagged, deleted.

An image of ours is an AMI that carries the identity tags of `bakewell.image`: `bakewell:role:web` there is the tag
`bakewell:role` with the value `web` here. Copies in other regions are AMIs of their own; all of one run are one
`Image`. Deleting an image takes its AMIs and their snapshots; those are marked first, so that what an interrupted
deletion left behind is found by the next. Who refers to an AMI is `references`' to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.images import Ami
from bakewell.clouds.aws.api import Refusal, fitting
from bakewell.clouds.aws.deletion import Deletion, each
from bakewell.clouds.aws.regions import Regions, not_enabled
from bakewell.clouds.aws.tags import pairs, texts
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, lease_of

WAIT_IMAGE = 60 * 60.0  # seconds; a first AMI of a large disk, or a copy of one to another region
_USABLE = ("available", "pending", "transient")
_FAILED = ("failed", "error", "invalid")


class Images:
    """The images of an account.

    Args:
        kms_key: alias of the key that copies are encrypted with, in the region where they are; the source's encryption
            with the account's own key there where it is None.
        sleep: waits between polls; tests pass their own.

    Attributes:
        deletion: what deletes AMIs and snapshots, and knows which it had to leave.
    """

    def __init__(self, regions: Regions, kms_key: str | None, sleep: Callable[[float], None]) -> None:
        self._regions, self._clients, self._sleep = regions, regions.clients, sleep
        self.deletion = Deletion(self._clients, sleep)
        self._encryption: dict[str, Any] = {"Encrypted": True, "KmsKeyId": kms_key} if kms_key else {}

    def of(self, project: str) -> list[Image]:
        wanted = [{"Name": f"tag:{NAMESPACE}:project", "Values": [project]}]
        return [image for image in self._merged(self.amis(wanted)) if image.identity.project == project]

    def get(self, image_id: str) -> Image | None:
        place = self._place(image_id)
        return next(iter(self._merged(self._run_of(place))), None) if place else None

    def _merged(self, amis: list[tuple[str, Ami]]) -> list[Image]:
        found = merged(amis)
        for image in found:
            self._regions.must_be_open(image.identity.home, f"{image.name} ({image.id})")
        return found

    def _run_of(self, place: tuple[str, Ami]) -> list[tuple[str, Ami]]:
        """The AMIs, of all regions, that are one image with this one; it alone where it carries no identity."""
        identity = Identity.from_tags(texts(place[1].tags))
        if identity is None:
            return [place]
        return self.amis([{"Name": f"tag:{NAMESPACE}:run", "Values": [identity.run]}])

    def amis(self, wanted: list[dict[str, Any]], region: str | None = None) -> list[tuple[str, Ami]]:
        """Our account's AMIs that fit, disabled ones too, with their regions: of one region, or of all."""

        def ask(where: str) -> list[tuple[str, Ami]]:
            what = f"list images in {where}"
            pages = self._clients.pages(
                where, calls.IMAGES, what, Owners=["self"], Filters=wanted, IncludeDisabled=True
            )
            found = fitting((ami for page in pages for ami in page.images), wanted, calls.IMAGES, what)
            if found:
                self._regions.holding.add(where)
            return [(where, ami) for ami in found]

        found = self._regions.everywhere(ask, region)
        self._regions.places.update((ami.image_id, where) for where, ami in found)
        return found

    def delete(self, image_id: str) -> None:
        """In every region, whatever becomes of it in one. A snapshot that stays in use is the next run's to delete."""
        place = self._place(image_id)
        amis = self._run_of(place) if place else []
        each(partial(self.deletion.ami, region, ami) for region, ami in amis)

    def copy(self, image_id: str, region: str) -> str:
        """Make the image available in `region`, and wait for it; the ID it has there."""
        if region not in self._regions.enabled():
            raise not_enabled(region, self._regions.enabled())
        place = self._place(image_id)
        if place is None:
            raise CloudError(f"image {image_id} is gone, so it cannot be copied", remedy="run the command again")
        home, ami = place
        if home == region:
            return image_id
        tags = texts(ami.tags)
        identity = Identity.from_tags(tags)
        if identity is None:
            raise CloudError(f"image {image_id} carries no identity, so it cannot be copied", remedy="build it again")
        # One that an interrupted command began is waited for, not made a second time; one that failed is in the way.
        copied = None
        for _, begun in self.amis([{"Name": f"tag:{NAMESPACE}:run", "Values": [identity.run]}], region):
            if begun.state in _USABLE:
                copied = begun.image_id
            elif begun.state in _FAILED:
                self.deletion.ami(region, begun)
            else:
                raise CloudError(
                    f"the copy of {image_id} in {region}, {begun.image_id}, is {begun.state}",
                    remedy=f"enable it again, or deregister it: aws ec2 enable-image --region {region} --image-id "
                    f"{begun.image_id}",
                )
        copied = copied or self._copy(image_id, ami.name or "", home, region)
        self._regions.places[copied] = region
        self.wait(copied, region, f"the copy of {image_id} to {region}")
        self.tag(copied, tags)  # also where the account's copies don't take tags along
        return copied

    def _copy(self, image_id: str, name: str, home: str, region: str) -> str:
        """Begin a copy. Where another command has just done so, that one: a name is there once in a region.

        No client token says that two commands mean the same: asked with one of a copy that is gone, AWS would go on
        answering with that one's ID.
        """
        try:
            return self._clients.ask(
                region,
                calls.COPY_IMAGE,
                f"copy image {image_id} from {home} to {region}",
                Name=name,
                SourceImageId=image_id,
                SourceRegion=home,
                CopyImageTags=True,
                **self._encryption,
            ).image_id
        except Refusal as error:
            found = self.amis([{"Name": "name", "Values": [name]}], region)
            if error.code != "InvalidAMIName.Duplicate" or not found:
                raise
            return found[0][1].image_id

    def wait(self, image_id: str, region: str, what: str) -> None:
        waited, pause = 0.0, 0.5
        while True:
            found = self.amis([{"Name": "image-id", "Values": [image_id]}], region)
            state = found[0][1].state if found else "pending"
            if state == "available":
                return
            if state not in _USABLE:
                why = found[0][1].state_reason.message or state
                raise CloudError(f"{what} failed: {why}", remedy="run the command again")
            if waited >= WAIT_IMAGE:
                minutes = round(WAIT_IMAGE / 60)
                raise CloudError(f"{what} still runs after {minutes} minutes", remedy="run the command again later")
            self._sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 15.0)

    def tags(self, image_id: str) -> tuple[str, ...] | None:
        place = self._place(image_id)
        return None if place is None else texts(place[1].tags)

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        region, ids = self._with_snapshots(image_id)
        self._clients.ask(region, calls.CREATE_TAGS, f"tag image {image_id}", Resources=ids, Tags=pairs(tags))

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        region, ids = self._with_snapshots(image_id)
        self._clients.ask(region, calls.DELETE_TAGS, f"take tags off image {image_id}", Resources=ids, Tags=pairs(tags))

    def _with_snapshots(self, image_id: str) -> tuple[str, list[str]]:
        """The image's region, and the IDs of what carries its tags."""
        place = self._place(image_id)
        if place is None:
            raise CloudError(f"image {image_id} is gone, so its tags cannot be changed", remedy="run the command again")
        return place[0], [image_id, *place[1].snapshots]

    def _place(self, image_id: str) -> tuple[str, Ami] | None:
        found = self.amis([{"Name": "image-id", "Values": [image_id]}], self._regions.places.get(image_id))
        return found[0] if found else None


def merged(amis: Sequence[tuple[str, Ami]]) -> list[Image]:
    """Regions and AMIs as images: those of one run are one. What carries no identity is none of ours."""
    runs: dict[str, list[tuple[str, Ami, Identity]]] = {}
    for region, ami in amis:
        if (identity := Identity.from_tags(texts(ami.tags))) is not None:
            runs.setdefault(identity.run, []).append((region, ami, identity))
    return [_image(found) for found in runs.values()]


def _image(amis: list[tuple[str, Ami, Identity]]) -> Image:
    # Of several in one region, which somebody made by hand, the usable one that has been there for longest.
    amis = sorted(
        amis,
        key=lambda one: (
            one[0] != one[2].home,
            one[0],
            one[1].state != "available",
            one[1].creation_date or "",
        ),
    )
    region, first, identity = amis[0]
    by_region: dict[str, str] = {}
    for where, ami, _ in amis:
        by_region.setdefault(where, ami.image_id)
    tags = texts(first.tags)
    regions = tuple(sorted({region for region, ami, _ in amis if ami.state == "available"}))
    ready = READY in tags and first.state == "available"
    lost = None if region == identity.home else f"gone from {identity.home}, where it was built"
    if lost is None and first.state not in _USABLE:
        lost = f"{first.state} in {identity.home}"
    return Image(
        cloud="aws",
        id=first.image_id,
        name=first.name or "",
        identity=identity,
        created_at=_created(first, region),
        size_gb=float(sum(disk.volume_size for _, ami, _ in amis for disk in ami.disks)),
        regions=regions,
        ready=ready,
        revoked=any(REVOKED in texts(ami.tags) for _, ami, _ in amis),
        lease=None if ready else lease_of(tags),
        tags=tags,
        elsewhere={where: image_id for where, image_id in by_region.items() if where != region},
        duplicates=tuple(ami.image_id for _, ami, _ in amis if ami.image_id not in by_region.values()),
        lost=lost,
    )


def _created(ami: Ami, region: str) -> datetime:
    """When it was made, by which retention counts. Raises CloudError where AWS does not say."""
    try:
        created = datetime.fromisoformat(ami.creation_date or "")
        if created.tzinfo is None:
            raise ValueError
        return created
    except ValueError:
        raise CloudError(
            f"AWS does not say when image {ami.image_id} in {region} was made: {calls.IMAGES.action} answers with "
            f"CreationDate `{ami.creation_date or ''}`",
            remedy="run the command again",
        ) from None
