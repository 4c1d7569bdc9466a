"""An AMI's disks, what they are encrypted with, and which AMIs an account sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends

DEFAULT_TYPE = "gp3"
DEFAULT_KEY = "alias/aws/ebs"


@dataclass
class Device:
    """A disk of an AMI: what is attached where, when it boots. `size` is in GiB; `snapshot` is moto's."""

    name: str
    snapshot: Any
    size: int
    type: str = DEFAULT_TYPE
    delete_on_termination: bool = True

    def mapping(self) -> dict[str, Any]:
        """As DescribeImages tells it."""
        return {
            "DeviceName": self.name,
            "Ebs": {
                "SnapshotId": self.snapshot.id,
                "VolumeSize": self.size,
                "VolumeType": self.type,
                "DeleteOnTermination": self.delete_on_termination,
                "Encrypted": self.snapshot.encrypted,
            },
        }


def devices(ami: Any) -> list[Device]:
    """The disks of an AMI; one that moto made by itself has its root disk."""
    known: list[Device] | None = getattr(ami, "devices", None)
    if known is None:
        known = [Device(ami.root_device_name, ami.ebs_snapshot, ami.ebs_snapshot.volume.size)]
    return known


def merged(ami: Any, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Block device mappings of a launch: the AMI's, changed and added to by those that are given, by device name."""
    mappings = {device.name: device.mapping() for device in devices(ami)}
    for one in given:
        name = one["DeviceName"]
        ebs = {key: value for key, value in (one.get("Ebs") or {}).items() if value is not None}
        known = mappings.setdefault(name, {"DeviceName": name, "Ebs": {"DeleteOnTermination": False}})
        known["Ebs"] = {**known["Ebs"], **ebs}
    return list(mappings.values())


def with_default_key(backend: Any, snapshot: Any) -> bool:
    """Whether a snapshot is encrypted with the account's own key for EBS, which no other account can be let use."""
    return bool(snapshot.encrypted) and snapshot.kms_key_id in (None, DEFAULT_KEY, backend.default_kms_key_id)


def others(backend: Any) -> Iterator[Any]:
    """The AMIs that other accounts have in a region."""
    for account, region, other in list(ec2_backends.iter_backends()):
        if region == backend.region_name and account != backend.account_id:
            yield from (ami for ami in list(other.amis.values()) if ami.owner_id == account)  # type: ignore[attr-defined]


def visible(backend: Any) -> Iterator[Any]:
    """The AMIs of a region that an account sees: its own, and what others let it launch."""
    yield from list(backend.amis.values())
    for ami in others(backend):
        if {"UserId": backend.account_id} in ami.launch_permissions or ami.is_public:
            yield ami


def find(backend: Any, image_id: str) -> Any:
    """The AMI that an account sees under an ID, in any state; None if there is none."""
    return next((ami for ami in visible(backend) if ami.id == image_id), None)
