"""AMIs of ours and the snapshots behind them: found in every region, copied, tagged, deleted.

An image of ours is an AMI that carries the identity tags of `bakewell.image`: `bakewell:role:web` there is the tag
`bakewell:role` with the value `web` here. Copies in other regions are AMIs of their own; all of one run are one
`Image`. Deleting an image takes its AMIs and their snapshots; those are marked first, so that what an interrupted
deletion left behind is found by the next. Who refers to an AMI is `references`' to find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bakewell.clouds import Leftover
from bakewell.clouds.aws.api import Refusal, asking, unless_gone
from bakewell.clouds.aws.regions import Regions, not_enabled
from bakewell.clouds.aws.tags import pairs, texts
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, lease_of

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef, ImageTypeDef, SnapshotTypeDef

WAIT_IMAGE = 60 * 60.0  # seconds; a first AMI of a large disk, or a copy of one to another region
DELETED = f"{NAMESPACE}:deleted"
"""On the snapshots of an image that is being deleted."""

_USABLE = ("available", "pending", "transient")
_FAILED = ("failed", "error", "invalid")


class Images(Regions):
    """The images of an account.

    Args:
        region, account, sleep: see `Regions`.
        kms_key: alias of the key that copies are encrypted with, in the region where they are; the source's encryption
            with the account's own key there where it is None.
    """

    def __init__(
        self,
        region: str,
        account: str | None = None,
        kms_key: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(region, account, sleep=sleep)
        self._encryption: dict[str, Any] = {"Encrypted": True, "KmsKeyId": kms_key} if kms_key else {}

    def images(self, project: str) -> list[Image]:
        wanted: list[FilterTypeDef] = [{"Name": f"tag:{NAMESPACE}:project", "Values": [project]}]
        return [image for image in merged(self._amis(wanted)) if image.identity.project == project]

    def image(self, image_id: str) -> Image | None:
        place = self._place(image_id)
        return next(iter(merged(self._run_of(place))), None) if place else None

    def _run_of(self, place: tuple[str, ImageTypeDef]) -> list[tuple[str, ImageTypeDef]]:
        """The AMIs, of all regions, that are one image with this one; it alone where it carries no identity."""
        identity = Identity.from_tags(texts(place[1].get("Tags", [])))
        if identity is None:
            return [place]
        return self._amis([{"Name": f"tag:{NAMESPACE}:run", "Values": [identity.run]}])

    def _amis(self, wanted: list[FilterTypeDef], region: str | None = None) -> list[tuple[str, ImageTypeDef]]:
        """Our account's AMIs that fit, disabled ones too, with their regions: of one region, or of all."""

        def ask(where: str) -> list[tuple[str, ImageTypeDef]]:
            pages = self.clients.ec2(where).get_paginator("describe_images")
            with asking(f"list images in {where}"):
                answers = pages.paginate(Owners=["self"], Filters=wanted, IncludeDisabled=True)
                return [(where, item) for page in answers for item in page["Images"]]

        found = self._everywhere(ask, region)
        self._places.update((item["ImageId"], where) for where, item in found)
        return found

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        found = self._amis([{"Name": "name", "Values": sorted(names)}]) if names else []
        return [
            Leftover(item["ImageId"], item.get("Name", ""))
            for _, item in found
            if Identity.from_tags(texts(item.get("Tags", []))) is None
        ]

    def delete_image(self, image_id: str) -> None:
        place = self._place(image_id)
        for region, item in self._run_of(place) if place else ():
            self._deregister(region, item)

    def _deregister(self, region: str, item: ImageTypeDef) -> None:
        """One AMI, then its snapshots."""
        ec2, snapshots = self.clients.ec2(region), _snapshots(item)
        if snapshots:
            with unless_gone(), asking(f"mark the snapshots of image {item['ImageId']}"):
                ec2.create_tags(Resources=snapshots, Tags=pairs([DELETED]))
        with unless_gone(), asking(f"deregister image {item['ImageId']}"):
            ec2.deregister_image(ImageId=item["ImageId"])
        for snapshot in snapshots:
            self._delete_snapshot(region, snapshot)

    def sweep(self, project: str) -> list[str]:
        """Delete snapshots behind no image any more: those of a deletion that was cut short, whosever it was, and of
        builds of `project` that died between Packer's own image and the encrypted one. Others are somebody's.
        """
        wanted: list[FilterTypeDef] = [{"Name": "tag-key", "Values": [f"{NAMESPACE}:*"]}]

        def left(item: SnapshotTypeDef) -> bool:
            tags = texts(item.get("Tags", []))
            lease = lease_of(tags)
            dead = lease is not None and lease < time.time() and READY not in tags
            return DELETED in tags or (dead and f"{NAMESPACE}:project:{project}" in tags)

        def ask(region: str) -> list[tuple[str, SnapshotTypeDef]]:
            pages = self.clients.ec2(region).get_paginator("describe_snapshots")
            with asking(f"list snapshots in {region}"):
                answers = pages.paginate(OwnerIds=["self"], Filters=wanted)
                return [(region, item) for page in answers for item in page["Snapshots"]]

        marked = [(region, item["SnapshotId"]) for region, item in self._everywhere(ask) if left(item)]
        if not marked:  # as nearly always: the account's AMIs need not be listed
            return []
        used = {snapshot for _, item in self._amis([]) for snapshot in _snapshots(item)}
        orphans = [(region, snapshot) for region, snapshot in marked if snapshot not in used]
        for region, snapshot in orphans:
            self._delete_snapshot(region, snapshot)
        return [f"snapshot {snapshot} in {region}, whose image is gone" for region, snapshot in orphans]

    def _delete_snapshot(self, region: str, snapshot: str) -> None:
        with unless_gone(), asking(f"delete snapshot {snapshot}"):
            self.clients.ec2(region).delete_snapshot(SnapshotId=snapshot)

    def copy(self, image_id: str, region: str) -> str:
        """Make the image available in `region`, and wait for it; the ID it has there."""
        if region not in self.enabled():
            raise not_enabled(region, self.enabled())
        place = self._place(image_id)
        if place is None:
            raise CloudError(f"image {image_id} is gone, so it cannot be copied", remedy="run the command again")
        home, item = place
        if home == region:
            return image_id
        tags = texts(item.get("Tags", []))
        identity = Identity.from_tags(tags)
        if identity is None:
            raise CloudError(f"image {image_id} carries no identity, so it cannot be copied", remedy="build it again")
        # One that an interrupted command began is waited for, not made a second time; one that failed is in the way.
        copied = None
        for _, begun in self._amis([{"Name": f"tag:{NAMESPACE}:run", "Values": [identity.run]}], region):
            state = begun.get("State", "pending")
            if state in _USABLE:
                copied = begun["ImageId"]
            elif state in _FAILED:
                self._deregister(region, begun)
            else:
                raise CloudError(
                    f"the copy of {image_id} in {region}, {begun['ImageId']}, is {state}",
                    remedy=f"enable it again, or deregister it: aws ec2 enable-image --region {region} --image-id "
                    f"{begun['ImageId']}",
                )
        copied = copied or self._copy(image_id, item.get("Name", ""), home, region)
        self._places[copied] = region
        self._wait(copied, region, f"the copy of {image_id} to {region}")
        self.tag(copied, tags)  # also where the account's copies don't take tags along
        return copied

    def _copy(self, image_id: str, name: str, home: str, region: str) -> str:
        """Begin a copy. Where another command has just done so, that one: a name is there once in a region.

        No client token says that two commands mean the same: asked with one of a copy that is gone, AWS would go on
        answering with that one's ID.
        """
        try:
            with asking(f"copy image {image_id} from {home} to {region}"):
                answer = self.clients.ec2(region).copy_image(
                    Name=name, SourceImageId=image_id, SourceRegion=home, CopyImageTags=True, **self._encryption
                )
            return answer["ImageId"]
        except Refusal as error:
            found = self._amis([{"Name": "name", "Values": [name]}], region)
            if error.code != "InvalidAMIName.Duplicate" or not found:
                raise
            return found[0][1]["ImageId"]

    def _wait(self, image_id: str, region: str, what: str) -> None:
        waited, pause = 0.0, 0.5
        while True:
            found = self._amis([{"Name": "image-id", "Values": [image_id]}], region)
            state = found[0][1].get("State", "pending") if found else "pending"
            if state == "available":
                return
            if state not in _USABLE:
                why = found[0][1].get("StateReason", {}).get("Message", state)
                raise CloudError(f"{what} failed: {why}", remedy="run the command again")
            if waited >= WAIT_IMAGE:
                minutes = round(WAIT_IMAGE / 60)
                raise CloudError(f"{what} still runs after {minutes} minutes", remedy="run the command again later")
            self._sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 15.0)

    def tags_of(self, image_id: str) -> tuple[str, ...] | None:
        place = self._place(image_id)
        return None if place is None else texts(place[1].get("Tags", []))

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        region, ids = self._with_snapshots(image_id)
        with asking(f"tag image {image_id}"):
            self.clients.ec2(region).create_tags(Resources=ids, Tags=pairs(tags))

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        region, ids = self._with_snapshots(image_id)
        with asking(f"take tags off image {image_id}"):
            self.clients.ec2(region).delete_tags(Resources=ids, Tags=pairs(tags))

    def _with_snapshots(self, image_id: str) -> tuple[str, list[str]]:
        """The image's region, and the IDs of what carries its tags."""
        place = self._place(image_id)
        if place is None:
            raise CloudError(f"image {image_id} is gone, so its tags cannot be changed", remedy="run the command again")
        return place[0], [image_id, *_snapshots(place[1])]

    def delete_unused_tags(self, names: Sequence[str]) -> int:
        """Tags are nothing of their own here: they go with what carries them."""
        del names
        return 0

    def _place(self, image_id: str) -> tuple[str, ImageTypeDef] | None:
        found = self._amis([{"Name": "image-id", "Values": [image_id]}], self._places.get(image_id))
        return found[0] if found else None


def _snapshots(item: ImageTypeDef) -> list[str]:
    """The snapshots behind an image."""
    disks = (mapping.get("Ebs", {}) for mapping in item.get("BlockDeviceMappings", []))
    return [disk["SnapshotId"] for disk in disks if "SnapshotId" in disk]


def merged(amis: Sequence[tuple[str, ImageTypeDef]]) -> list[Image]:
    """Regions and AMIs as images: those of one run are one. What carries no identity is none of ours."""
    runs: dict[str, list[tuple[str, ImageTypeDef, Identity]]] = {}
    for region, item in amis:
        if (identity := Identity.from_tags(texts(item.get("Tags", [])))) is not None:
            runs.setdefault(identity.run, []).append((region, item, identity))
    return [_image(found) for found in runs.values()]


def _image(amis: list[tuple[str, ImageTypeDef, Identity]]) -> Image:
    # Of several in one region, which somebody made by hand, the usable one that has been there for longest.
    amis = sorted(
        amis,
        key=lambda one: (
            one[0] != one[2].home,
            one[0],
            one[1].get("State") != "available",
            one[1].get("CreationDate", ""),
        ),
    )
    region, first, identity = amis[0]
    by_region: dict[str, str] = {}
    for where, item, _ in amis:
        by_region.setdefault(where, item["ImageId"])
    tags = texts(first.get("Tags", []))
    regions = tuple(sorted({region for region, item, _ in amis if item.get("State") == "available"}))
    state = first.get("State")
    ready = READY in tags and state == "available"
    lost = None if region == identity.home else f"gone from {identity.home}, where it was built"
    if lost is None and state not in _USABLE:
        lost = f"{state} in {identity.home}"
    disks = (mapping.get("Ebs", {}) for _, item, _ in amis for mapping in item.get("BlockDeviceMappings", []))
    created = first.get("CreationDate")
    return Image(
        cloud="aws",
        id=first["ImageId"],
        name=first.get("Name", ""),
        identity=identity,
        created_at=datetime.fromisoformat(created) if created else datetime.now(UTC),
        size_gb=float(sum(disk.get("VolumeSize", 0) for disk in disks)),
        regions=regions,
        ready=ready,
        revoked=any(REVOKED in texts(item.get("Tags", [])) for _, item, _ in amis),
        lease=None if ready else lease_of(tags),
        tags=tags,
        elsewhere={where: image_id for where, image_id in by_region.items() if where != region},
        duplicates=tuple(item["ImageId"] for _, item, _ in amis if item["ImageId"] not in by_region.values()),
        lost=lost,
    )
