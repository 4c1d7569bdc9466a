"""CopyImage: pending at first, encrypted where that is asked for, tagged as the request says."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_ami_id

from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.ec2.devices import Device, devices
from bakewell_local.sandbox.aws.ec2.images import dress, named, release, settle, tags
from bakewell_local.sandbox.aws.ec2.launching import launchable
from bakewell_local.sandbox.aws.hooks import AwsError, instead
from bakewell_local.sandbox.aws.stock import REGIONS


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(EC2Response, "copy_image")
    def copy(self: Any) -> ActionResult:
        return ActionResult({"ImageId": _begin(self)})


def _begin(request: Any) -> str:
    backend, region = request.ec2_backend, request._get_param("SourceRegion")
    if region not in REGIONS:
        raise AwsError("InvalidRequest", f"The source region '{region}' is not valid")
    source = launchable(ec2_backends[backend.account_id][region], request._get_param("SourceImageId"))
    key, encrypt = request._get_param("KmsKeyId"), bool(request._get_param("Encrypted"))
    if key and not encrypt:
        raise AwsError("InvalidParameterDependency", "KmsKeyId requires Encrypted")
    specifications = list(request._get_param("TagSpecifications", []))
    tags(specifications, "image")
    name = named(backend, request._get_param("Name"))
    request.error_on_dryrun()
    ami: Any = Ami(
        backend,
        random_ami_id(),
        source_ami=source,
        name=name,
        description=request._get_param("Description") or source.description,
        root_device_name=source.root_device_name,
    )
    backend.snapshots.pop(ami.ebs_snapshot.id, None)
    disks = [_copied(backend, ami, disk, key, encrypt or backend.ebs_encryption_by_default) for disk in devices(source)]
    ami.ebs_snapshot = disks[0].snapshot
    dress(ami, disks, specifications)
    if request._get_param("CopyImageTags", False):
        given = tags(specifications, "image")
        ami.add_tags({tag["key"]: tag["value"] for tag in source.get_tags() if tag["key"] not in given})
    ami.source_image_id, ami.source_image_region = source.id, region
    ami.imds_support = getattr(source, "imds_support", None)
    ami.machine_image = getattr(source, "machine_image", None)
    backend.amis[ami.id] = ami

    def done() -> None:
        if ami.id in backend.amis:
            settle(ami)
        else:  # deregistered meanwhile
            release(ami)

    current().work.begin(ami.id, done, lambda reason: settle(ami, failure=reason))
    return str(ami.id)


def _copied(backend: Any, ami: Any, disk: Device, key: str | None, encrypt: bool) -> Device:
    """Without a key, what is encrypted is so with this region's default one, whatever the source is encrypted with."""
    zone, encrypted = f"{backend.region_name}a", bool(encrypt or disk.snapshot.encrypted)
    volume = backend.create_volume(size=disk.size, zone_name=zone, encrypted=encrypted, kms_key_id=key)
    snapshot = backend.create_snapshot(volume.id, f"Copied for {ami.id}", backend.account_id, from_ami=ami.id)
    backend.delete_volume(volume.id)
    return Device(disk.name, snapshot, disk.size, disk.type, disk.delete_on_termination)
