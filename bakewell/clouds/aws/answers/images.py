"""AMIs, their snapshots, and what AWS says of who needs them."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, model_validator

from bakewell.clouds.aws.answers.base import Answer, Tagged, Text


class Disk(Answer):
    """The snapshot behind a disk; without an ID while it is being made."""

    snapshot_id: str | None = None
    volume_size: int = 0


class DeviceMapping(Answer):
    """A disk of an image; without `ebs` where it is no snapshot's."""

    ebs: Disk | None = None


class StateReason(Answer):
    """Why an image failed."""

    message: str = ""


class Ami(Tagged):
    """An AMI. Very old ones have neither a name nor a date; one that is being made has no disks yet."""

    image_id: Text
    state: Text
    name: str | None = None
    creation_date: str | None = None
    source_instance_id: str | None = None
    architecture: str | None = None
    root_device_type: str = "ebs"
    root_device_name: str | None = None
    deregistration_protection: str = "disabled"
    state_reason: StateReason = StateReason()
    block_device_mappings: list[DeviceMapping] | None = None

    @model_validator(mode="after")
    def _has_disks(self) -> Self:
        of_disks = self.root_device_type == "ebs" and self.state == "available"
        if of_disks and self.block_device_mappings is None:
            raise ValueError(f"{self.image_id} is available and has no BlockDeviceMappings")
        return self

    @property
    def disks(self) -> list[Disk]:
        """Those that are snapshots'."""
        return [mapping.ebs for mapping in self.block_device_mappings or () if mapping.ebs is not None]

    @property
    def snapshots(self) -> list[str]:
        """The snapshots behind it."""
        return [disk.snapshot_id for disk in self.disks if disk.snapshot_id]


class Images(Answer):
    """DescribeImages."""

    images: list[Ami]


class ImageId(Answer):
    """CopyImage."""

    image_id: Text


class Snapshot(Tagged):
    """A snapshot of a disk."""

    snapshot_id: Text


class Snapshots(Answer):
    """DescribeSnapshots."""

    snapshots: list[Snapshot]


class LaunchPermission(Answer):
    """Who else may launch an image: an account, a group of them, an organization, or what AWS adds to these."""

    model_config = ConfigDict(extra="allow")

    @property
    def who(self) -> str:
        return next((str(value) for value in (self.model_extra or {}).values()), "somebody")


class LaunchPermissions(Answer):
    """DescribeImageAttribute of launchPermission."""

    image_id: Text
    launch_permissions: list[LaunchPermission]


class ImageReference(Answer):
    """What refers to an image."""

    image_id: Text
    arn: Text


class ImageReferences(Answer):
    """DescribeImageReferences."""

    image_references: list[ImageReference]
