"""AMIs: made of instances, listed, deregistered with their snapshots."""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidAMIIdError, InvalidTaggableResourceType, MalformedAMIIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response
from moto.ec2.utils import format_timestamp, generic_filter, random_ami_id

from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.ec2.devices import Device, devices, visible
from bakewell_local.sandbox.aws.ec2.instances import require
from bakewell_local.sandbox.aws.ec2.pages import page
from bakewell_local.sandbox.aws.hooks import AwsError, around, instead

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./'@_-]{3,128}")  # CreateImage's Name


def named(backend: Any, name: str) -> str:
    """A name for a new AMI.

    Raises:
        AwsError: no AMI can have it, or one of the account has it in this region.
    """
    if not _NAME.fullmatch(name or ""):
        what = (
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, ( ) [ ] . / - ' @ _"
        )
        raise AwsError("InvalidAMIName.Malformed", what)
    for ami in backend.amis.values():
        if ami.name == name and ami.owner_id == backend.account_id:
            raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {ami.id}")
    return name


def owned(backend: Any, image_id: str) -> Any:
    """The account's own AMI, in any state.

    Raises:
        AwsError: it is deregistered, or somebody else's.
        ServiceException: there is none.
    """
    ami = backend.amis.get(image_id)
    if ami is None and image_id in backend.deleted_amis:
        raise AwsError("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is no longer available")
    if ami is None and not any(one.id == image_id for one in visible(backend)):
        raise InvalidAMIIdError([image_id])
    if ami is None or ami.owner_id != backend.account_id:
        raise AwsError("AuthFailure", f"Not authorized for image:{image_id}")
    return ami


def tags(specifications: list[dict[str, Any]], kind: str) -> dict[str, str]:
    """The tags that a request gives to its images or snapshots.

    Raises:
        ServiceException: it gives some to anything else.
    """
    for one in specifications:
        if one["ResourceType"] not in ("image", "snapshot"):
            raise InvalidTaggableResourceType(one["ResourceType"])
    return {tag["Key"]: tag["Value"] for one in specifications if one["ResourceType"] == kind for tag in one["Tags"]}


def dress(ami: Any, disks: list[Device], specifications: list[dict[str, Any]]) -> None:
    """What every AMI that is made here has in common: pending, with its disks and tags, named in its account."""
    ami.state, ami.devices = "pending", disks
    ami.root_device_type, ami.hypervisor, ami.virtualization_type = "ebs", "xen", "hvm"
    ami.image_location = f"{ami.owner_id}/{ami.name}"
    ami.add_tags(tags(specifications, "image"))
    for disk in disks:
        disk.snapshot.status = "pending"
        disk.snapshot.add_tags(tags(specifications, "snapshot"))


def settle(ami: Any, *, failure: str | None = None) -> None:
    """An AMI's making is over; so is that of its snapshots."""
    for disk in devices(ami):
        disk.snapshot.status = "completed" if failure is None else "error"
    if failure is not None:  # before the state: whoever sees that one asks why
        ami.state_reason = {"Code": "Server.InternalError", "Message": f"Server.InternalError: {failure}"}
    ami.state = "available" if failure is None else "failed"


def release(ami: Any) -> None:
    """Has the machine image of a deregistered AMI removed, unless a copy of the AMI needs it."""
    cloud, tag = current(), getattr(ami, "machine_image", None)
    left = (one for _, _, backend in ec2_backends.iter_backends() for one in backend.amis.values())  # type: ignore[attr-defined]
    if tag is not None and not any(getattr(one, "machine_image", None) == tag for one in left):
        cloud.work.queue(ami.id, lambda: cloud.machines.remove_image(tag))


def install() -> None:
    """Puts this module's hooks in place."""
    instead(Ami, "block_device_mappings")(property(lambda self: [device.mapping() for device in devices(self)]))
    instead(Ami, "ena_support")(True)
    instead(Ami, "platform_details")("Linux/UNIX")
    instead(Ami, "usage_operation")("RunInstances")
    instead(Ami, "source_image_id")(None)

    @instead(EC2Response, "create_image")
    def create(self: Any) -> ActionResult:
        backend = self.ec2_backend
        instance = backend.get_instance(self._get_param("InstanceId"))
        require(instance, "running", "stopping", "stopped")
        name = named(backend, self._get_param("Name"))
        specifications = self._get_param("TagSpecifications", [])
        tags(specifications, "image")
        self.error_on_dryrun()
        ami: Any = Ami(
            backend,
            random_ami_id(),
            instance=instance,
            name=name,
            description=self._get_param("Description", ""),
            root_device_name=instance.root_device_name,
        )
        disks = _disks(backend, ami, instance)
        dress(ami, disks, specifications)
        ami.source_image_id, ami.source_image_region = instance.image_id, backend.region_name
        source = next((one for one in visible(backend) if one.id == instance.image_id), None)
        ami.imds_support = getattr(source, "imds_support", None)
        backend.amis[ami.id] = ami
        _bake(ami, instance)
        return ActionResult({"ImageId": ami.id})

    @instead(EC2Response, "deregister_image")
    def deregister(self: Any) -> ActionResult:
        backend = self.ec2_backend
        ami = owned(backend, self._get_param("ImageId"))
        if ami.deregistration_protection != "disabled":
            what = f"The image '{ami.id}' is protected from deregistration: {ami.deregistration_protection}"
            raise AwsError("OperationNotPermitted", what)
        self.error_on_dryrun()
        backend.deregister_image(ami.id)
        release(ami)
        results = []
        if self._get_param("DeleteAssociatedSnapshots"):
            for device in devices(ami):
                gone = backend.snapshots.pop(device.snapshot.id, None)
                results.append({"SnapshotId": device.snapshot.id, "ReturnCode": "success" if gone else "skipped"})
        return ActionResult({"Return": True, "DeleteSnapshotResults": results})

    @instead(EC2Backend, "describe_images")
    def describe(
        self: Any, ami_ids: Any = None, filters: Any = None, exec_users: Any = None, owners: Any = None
    ) -> list[Any]:
        """As moto's, with what other accounts share."""
        images = list(visible(self))
        if ami_ids:
            if malformed := [one for one in ami_ids if not one.startswith("ami-")]:
                raise MalformedAMIIdError(malformed)
            known = {ami.id for ami in images} | set(self.deleted_amis)
            if missing := [one for one in ami_ids if one not in known]:
                raise InvalidAMIIdError(missing)
            images = [ami for ami in images if ami.id in ami_ids]
        if exec_users:
            users = [self.account_id if user == "self" else user for user in exec_users]
            images = [a for a in images if a.is_public or any(p.get("UserId") in users for p in a.launch_permissions)]
        if owners:
            ids = [self.account_id if owner == "self" else owner for owner in owners]
            images = [ami for ami in images if ami.owner_id in ids or ami.owner_alias in ids]
        return generic_filter(filters, images) if filters else images

    @instead(EC2Response, "describe_images")
    def listed(self: Any) -> ActionResult:
        self.error_on_dryrun()
        images = self.ec2_backend.describe_images(
            ami_ids=self._get_param("ImageIds", []),
            filters=self._filters_from_querystring(),
            exec_users=self._get_param("ExecutableUsers", []),
            owners=self._get_param("Owners", []),
        )
        if not self._get_param("IncludeDisabled", False):
            images = [ami for ami in images if ami.state != "disabled"]
        return ActionResult(page(self, "Images", images))

    @around(Ami, "get_filter_value")
    def value(original: Any, self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "creation-date":
            return format_timestamp(self.creation_date)
        return original(self, filter_name, method_name)


def _disks(backend: Any, ami: Any, instance: Any) -> list[Device]:
    """A snapshot of each disk of the instance."""
    disks = []
    for name, attached in instance.get_block_device_mapping:
        volume = backend.get_volume(attached.volume_id)
        text = f"Created by CreateImage({instance.id}) for {ami.id}"
        snapshot = backend.create_snapshot(volume.id, text, backend.account_id, from_ami=ami.id)
        disks.append(Device(name, snapshot, volume.size, volume.volume_type, bool(attached.delete_on_termination)))
        if name == instance.root_device_name:
            backend.snapshots.pop(ami.ebs_snapshot.id, None)  # the one that moto made, of a volume that never was
            ami.ebs_snapshot = snapshot
    return disks


def _bake(ami: Any, instance: Any) -> None:
    """Has the machine committed, off: one that runs is shut down for it, and booted again (NoReboot or not)."""
    cloud = current()
    tag = ami.machine_image = cloud.image_tag(ami.id)

    def job() -> None:
        runs = cloud.machines.running(instance.id)
        if runs:
            cloud.machines.stop(instance.id, graceful=True)
        cloud.machines.commit(instance.id, tag)
        if runs:
            cloud.machines.start(instance.id)

    def done() -> None:
        if ami.id in ami.ec2_backend.amis:
            settle(ami)
        else:  # deregistered meanwhile
            release(ami)

    cloud.work.begin(instance.id, done, lambda reason: settle(ami, failure=reason), job)
