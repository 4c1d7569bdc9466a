"""AWS: EC2 instances, AMIs with their snapshots, and key pairs, in every region that the account has enabled.

An image of ours is an AMI that carries the identity tags of `bakewell.image`: `bakewell:role:web` there is the tag
`bakewell:role` with the value `web` here. Copies in other regions are AMIs of their own; all of one run are one
`Image`. Who refers to an AMI is `references`' to find. Deleting an image takes its AMIs and their snapshots, which
carry the same tags, so that what an interrupted deletion left behind is found by the next.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key, Leftover, Stock
from bakewell.clouds.aws import stock
from bakewell.clouds.aws.api import Clients, Refusal, asking
from bakewell.clouds.aws.references import references
from bakewell.clouds.aws.tags import pairs, texts
from bakewell.errors import CloudError, ConfigError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, Reference, lease_of

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef, ImageTypeDef, SnapshotTypeDef

WAIT_IMAGE = 60 * 60.0  # seconds; a first AMI of a large disk, or a copy of one to another region
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")
_GONE = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound", "InvalidInstanceID.NotFound")
_USABLE = ("available", "pending", "transient")
_T = TypeVar("_T")


class Aws:
    """One AWS account.

    Args:
        region: where images are built; also where questions are asked that are no region's.
        account: the account that the credentials must be of; any where it is None.
        subnet: where images are built; in the region's default VPC where it is None.
        sleep: waits between polls; tests pass their own.
    """

    name = "aws"

    def __init__(
        self,
        region: str,
        account: str | None = None,
        subnet: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clients = Clients()
        self._subnet = subnet
        self._region, self._account, self._sleep = region, account, sleep
        self._enabled: tuple[str, ...] | None = None
        self._places: dict[str, str] = {}
        """AMI, instance or key -> its region, as far as it was seen."""

    def check_account(self) -> str:
        with asking(f"say in {self._region} whose account this is"):
            who = self.clients.sts(self._region).get_caller_identity()
        if self._account is not None and who["Account"] != self._account:
            raise ConfigError(
                f"the stack belongs to AWS account {self._account}, but the credentials are of {who['Account']} "
                f"({who['Arn']})",
                remedy=f"use credentials of {self._account} (AWS_PROFILE), or correct bakewell:aws.account",
            )
        return f"{who['Account']} ({who['Arn']})"

    def enabled(self) -> tuple[str, ...]:
        """The regions that the account has enabled, sorted. What is asked first of all.

        Raises:
            ConfigError: the stack's own region is not among them, or this is not the stack's account.
        """
        if self._enabled is None:
            if self._account is not None:
                self.check_account()
            with asking(f"list the account's regions in {self._region}"):
                answer = self.clients.ec2(self._region).describe_regions()
            self._enabled = tuple(sorted(region["RegionName"] for region in answer["Regions"]))
            if self._region not in self._enabled:
                raise not_enabled(self._region, self._enabled)
        return self._enabled

    # images

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
        tags = texts(item.get("Tags", []))
        if snapshots and Identity.from_tags(tags) is not None:
            # As the image, so that `sweep` finds them should this end half way; and as finished, should that not be.
            with asking(f"tag the snapshots of image {item['ImageId']}"):
                ec2.create_tags(Resources=snapshots, Tags=pairs([*tags, READY]))
        try:
            with asking(f"deregister image {item['ImageId']}"):
                ec2.deregister_image(ImageId=item["ImageId"])
        except Refusal as error:
            if error.code not in _GONE:
                raise
        for snapshot in snapshots:
            self._delete_snapshot(region, snapshot)

    def sweep(self, project: str) -> int:
        """Delete the snapshots of ours whose image is gone, which an interrupted deletion left; how many went."""
        wanted: list[FilterTypeDef] = [{"Name": f"tag:{NAMESPACE}:project", "Values": [project]}]

        def ask(region: str) -> list[tuple[str, SnapshotTypeDef]]:
            pages = self.clients.ec2(region).get_paginator("describe_snapshots")
            with asking(f"list snapshots in {region}"):
                answers = pages.paginate(OwnerIds=["self"], Filters=wanted)
                return [(region, item) for page in answers for item in page["Snapshots"]]

        snapshots = self._everywhere(ask)
        used = {snapshot for _, item in self._amis([]) for snapshot in _snapshots(item)}
        orphans = [
            (region, item["SnapshotId"])
            for region, item in snapshots
            if item["SnapshotId"] not in used and READY in texts(item.get("Tags", []))
        ]
        for region, snapshot in orphans:
            self._delete_snapshot(region, snapshot)
        return len(orphans)

    def _delete_snapshot(self, region: str, snapshot: str) -> None:
        try:
            with asking(f"delete snapshot {snapshot}"):
                self.clients.ec2(region).delete_snapshot(SnapshotId=snapshot)
        except Refusal as error:
            if error.code not in _GONE:
                raise

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
        copied, failed = None, ""
        for _, begun in self._amis([{"Name": f"tag:{NAMESPACE}:run", "Values": [identity.run]}], region):
            if begun.get("State") in _USABLE:
                copied = begun["ImageId"]
            else:
                self._deregister(region, begun)
                failed = begun["ImageId"]
        copied = copied or self._copy(image_id, item.get("Name", ""), home, region, failed)
        self._places[copied] = region
        self._wait(copied, region, f"the copy of {image_id} to {region}")
        self.tag(copied, tags)  # also where the account's copies don't take tags along
        return copied

    def _copy(self, image_id: str, name: str, home: str, region: str, failed: str) -> str:
        """Begin a copy. Commands that do so at once get the same one; none gets the one that `failed` before."""
        with asking(f"copy image {image_id} from {home} to {region}"):
            answer = self.clients.ec2(region).copy_image(
                Name=name,
                SourceImageId=image_id,
                SourceRegion=home,
                CopyImageTags=True,
                ClientToken=f"bakewell-{image_id}{failed.removeprefix('ami')}",
            )
        return answer["ImageId"]

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

    def stock(self, image: str) -> Stock:
        """`stock.newest` of every enabled region."""
        return stock.newest(
            image, self._region, self._everywhere(lambda region: [stock.look(self.clients, image, region)])
        )

    def check_build(self, base: str) -> None:
        if self._subnet is None:
            with asking(f"list networks in {self._region}"):
                found = self.clients.ec2(self._region).describe_vpcs(
                    Filters=[{"Name": "is-default", "Values": ["true"]}]
                )
            if not found["Vpcs"]:
                raise ConfigError(
                    f"region {self._region} has no default VPC, and bakewell:aws.subnet is not set",
                    remedy="pulumi config set --path bakewell:aws.subnet subnet-…; instances and fleets have settings "
                    "of their own",
                )
        stock.check(self.clients, base if base.startswith("ami-") else self.base(base), self._region)

    def usual(self, base: str) -> str:
        return f"{stock.DEBIAN}/{base}-amd64-*"

    def base(self, image: str) -> str:
        """Its ID in the first region: an API that starts machines takes nothing else."""
        return self.stock(image).ids[self._region]

    # who needs images

    def references(self) -> list[Reference]:
        return self._everywhere(lambda region: references(self.clients, region))

    # builders

    def builders(self, project: str) -> list[Builder]:
        wanted: list[FilterTypeDef] = [
            {"Name": "tag-key", "Values": [BUILDER]},
            {"Name": f"tag:{NAMESPACE}:project", "Values": [project]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]

        def ask(region: str) -> list[Builder]:
            found = []
            with asking(f"list builders in {region}"):
                for page in self.clients.ec2(region).get_paginator("describe_instances").paginate(Filters=wanted):
                    for item in (i for reservation in page["Reservations"] for i in reservation.get("Instances", [])):
                        tags = texts(item.get("Tags", []))
                        if (identity := Identity.from_tags(tags)) is None:
                            continue
                        self._places[item["InstanceId"]] = region
                        lease = lease_of(tags) or int(item["LaunchTime"].timestamp()) + LEASE_SECONDS
                        name = next((t["Value"] for t in item.get("Tags", []) if t.get("Key") == "Name"), "")
                        found.append(Builder(item["InstanceId"], name, identity, lease))
            return found

        return self._everywhere(ask)

    def settle(self, builder_id: str) -> list[str]:
        region = self._places.get(builder_id, self._region)
        taken = self._amis([{"Name": "source-instance-id", "Values": [builder_id]}], region)
        for _, item in taken:
            try:
                self._wait(item["ImageId"], region, f"image {item['ImageId']}")
            except CloudError:  # a failed one is to be deleted like the others
                continue
        return [item["ImageId"] for _, item in taken]

    def delete_builder(self, builder_id: str) -> None:
        region = self._places.get(builder_id, self._region)
        try:
            with asking(f"terminate builder {builder_id}"):
                self.clients.ec2(region).terminate_instances(InstanceIds=[builder_id])
        except Refusal as error:
            if error.code not in _GONE:
                raise

    # keys

    def create_key(self, name: str, public_key: str) -> str:
        with asking(f"import key {name}"):
            self.clients.ec2(self._region).import_key_pair(KeyName=name, PublicKeyMaterial=public_key.encode())
        return name  # Packer knows keys by name

    def build_keys(self) -> list[Key]:
        found = ((key, _KEY.match(key.name)) for key in self.ssh_keys())
        return [Key(key.id, key.name, match["run"], int(match["lease"])) for key, match in found if match]

    def ssh_keys(self) -> list[AccountKey]:
        with asking(f"list keys in {self._region}"):
            pairs = self.clients.ec2(self._region).describe_key_pairs()["KeyPairs"]
        return [AccountKey(pair["KeyName"], pair["KeyName"]) for pair in pairs if "KeyName" in pair]

    def delete_key(self, key_id: str) -> None:
        with asking(f"delete key {key_id}"):
            self.clients.ec2(self._region).delete_key_pair(KeyName=key_id)

    # tags

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

    # where

    def _place(self, image_id: str) -> tuple[str, ImageTypeDef] | None:
        found = self._amis([{"Name": "image-id", "Values": [image_id]}], self._places.get(image_id))
        return found[0] if found else None

    def _everywhere(self, ask: Callable[[str], list[_T]], region: str | None = None) -> list[_T]:
        """The answers of `region`, or of all that are enabled, asked at once. One that fails fails all."""
        if region is not None:
            return ask(region)
        regions = self.enabled()
        with ThreadPoolExecutor(max_workers=8, thread_name_prefix="aws") as threads:
            return [item for answer in threads.map(ask, regions) for item in answer]


def not_enabled(region: str, enabled: Collection[str]) -> ConfigError:
    """The error for a region that the account has not enabled."""
    return ConfigError(
        f"region {region} is not enabled for this AWS account",
        remedy=f"enable it in the account's settings, or choose of: {', '.join(sorted(enabled))}",
    )


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
    amis = sorted(amis, key=lambda one: (one[0] != one[2].home, one[0]))
    _, first, identity = amis[0]
    tags = texts(first.get("Tags", []))
    regions = tuple(sorted(region for region, item, _ in amis if item.get("State") == "available"))
    ready = READY in tags and first.get("State") == "available"
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
        revoked=REVOKED in tags,
        lease=None if ready else lease_of(tags),
        tags=tags,
        elsewhere={region: item["ImageId"] for region, item, _ in amis[1:]},
    )
