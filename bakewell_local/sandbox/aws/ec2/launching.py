"""RunInstances, by whomever it is called (the API, auto scaling): which AMI, which disks, and a machine for each."""

from __future__ import annotations

import base64
import copy
import gzip
from collections.abc import Callable
from typing import Any

from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidAMIIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance, InstanceState, StateReason
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.ec2.devices import devices, find, merged, others
from bakewell_local.sandbox.aws.hooks import AwsError, around, instead
from bakewell_local.sandbox.aws.ssm import resolve
from bakewell_local.sandbox.machines import MachineError

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def launchable(backend: Any, image_id: str) -> Any:
    """The AMI to launch from.

    Raises:
        AwsError: it is deregistered, disabled, or not ready, what AWS calls unavailable; or it is somebody else's.
        ServiceException: there is none.
    """
    ami = find(backend, image_id)
    if (ami is None and image_id in backend.deleted_amis) or (ami is not None and ami.state != "available"):
        raise AwsError("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")
    if ami is None:
        if not image_id.startswith("ami-"):
            raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
        if any(one.id == image_id for one in others(backend)):
            raise AwsError("AuthFailure", f"Not authorized for images: [{image_id}]")
        raise InvalidAMIIdError([image_id])
    return ami


def change(instance: Any, state: str, reason: tuple[str, str] | None = None) -> None:
    """Sets an instance's state; `reason` is a code and a message."""
    if reason is not None:  # before the state: whoever sees that one asks why
        instance.state_reason = StateReason(reason[1], reason[0])
    instance._state = InstanceState(state, CODES[state])


def unseen(transition: Callable[[Any], Any], instance: Any) -> Any:
    """What moto's start, stop or terminate does, but for the state, which is left as it was; what it returns.

    moto sets at once, in place, the state that comes last, and a caller that looks meanwhile would take it for true.
    """
    last = copy.copy(instance)
    last._state = copy.copy(instance._state)
    before = transition(last)
    instance._reason, instance.state_reason = last._reason, last.state_reason
    return before


def addressed(instance: Any) -> None:
    """Gives an instance's record the address that its machine has, as private and, where it has one, as public one."""
    nic, address = instance.nics[0], instance.machine_address
    if address is None:
        return
    for entry in nic.private_ip_addresses:
        if entry["PrivateIpAddress"] == nic.private_ip_address:
            entry["PrivateIpAddress"] = address
    nic.private_ip_address = address
    if nic.public_ip is not None:
        nic.public_ip = address


def user_data(instance: Any) -> str | None:
    """What cloud-init is to run, unpacked where it is compressed."""
    if instance.user_data is None:
        return None
    content = base64.b64decode(str(instance.user_data))
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return content.decode(errors="replace")


def install() -> None:
    """Puts this module's hooks in place."""

    @around(EC2Backend, "run_instances")
    def run(
        original: Any,
        self: Any,
        image_id: str | None,
        count: int,
        user_data: Any,
        security_group_names: list[str],
        **named: Any,
    ) -> Any:
        template: dict[str, Any] = {}
        if named.get("launch_template"):
            template = self._get_template_from_args(named["launch_template"]).data
        image_id = image_id or template.get("ImageId")
        if not image_id:
            raise AwsError("MissingParameter", "The request must contain the parameter ImageId")
        ami = launchable(self, resolve(self.account_id, self.region_name, image_id))
        key = named.get("key_name") or template.get("KeyName")
        if key and key not in self.key_pairs:
            raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")
        own = not named.get("nics") and not template.get("NetworkInterfaces")
        if not named.get("nics") and template.get("NetworkInterfaces"):
            named["nics"] = template["NetworkInterfaces"]
        given = named.get("block_device_mappings") or template.get("BlockDeviceMappings") or []
        named["block_device_mappings"] = _checked(self, ami, merged(ami, given))
        options = {**template.get("MetadataOptions", {}), **(named.get("metadata_options") or {})}
        if getattr(ami, "imds_support", None) == "v2.0":
            options.setdefault("HttpTokens", "required")
        named["metadata_options"] = options
        reservation = original(self, ami.id, count, user_data, security_group_names, **named)
        ami.last_launched_time = utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")  # AWS tells it a day later
        for instance in reservation.instances:
            instance.nics[0].delete_on_termination = own or instance.nics[0].delete_on_termination
            _boot(instance, getattr(ami, "machine_image", None))
        return reservation

    @instead(Instance, "setup_defaults")
    def no_defaults(self: Any) -> None:
        """The disks are those of the AMI, always."""

    @instead(EC2Response, "_parse_block_device_mapping")
    def mappings(self: Any) -> list[dict[str, Any]]:
        return list(self._get_param("BlockDeviceMappings", []))

    @around(LaunchTemplateVersion, "__init__")
    def encoded(original: Any, self: Any, template: Any, number: int, data: dict[str, Any], description: str) -> None:
        if isinstance(data.get("UserData"), str):
            data["UserData"] = Base64EncodedString(data["UserData"])
        original(self, template, number, data, description)


def _checked(backend: Any, ami: Any, mappings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sizes = {device.name: device for device in devices(ami)}
    for one in mappings:
        device, size = sizes.get(one["DeviceName"]), one["Ebs"].get("VolumeSize")
        if device is not None and size is not None and int(size) < device.size:
            what = f"Volume of size {size}GB is smaller than snapshot '{device.snapshot.id}'"
            raise AwsError("InvalidBlockDeviceMapping", f"{what}, expect size >= {device.size}GB")
        if backend.ebs_encryption_by_default:
            one["Ebs"]["Encrypted"] = True
        if device is not None and device.snapshot.owner_id != backend.account_id:
            one["Ebs"] = {**one["Ebs"], "SnapshotId": None}  # moto looks for it among the account's own
        elif device is not None and device.snapshot.encrypted and device.snapshot.kms_key_id:
            # A disk has its snapshot's key; one of somebody else's snapshot has this account's default key.
            one["Ebs"].setdefault("KmsKeyId", device.snapshot.kms_key_id)
    return mappings


def _boot(instance: Any, image: str | None) -> None:
    """Has a machine made, whose address is known at once; the instance runs, or is gone, when its time is over."""
    cloud = current()
    change(instance, "pending")
    instance.machine_address = None
    key = instance.ec2_backend.key_pairs.get(instance.key_name)
    failure: list[str] = []
    try:
        instance.machine_address = cloud.machines.create(
            instance.id,
            image or cloud.stock_image(),
            hostname=instance.id,
            instance_id=instance.id,
            user_data=user_data(instance),
            public_keys=[_public(key.public_key)] if key else [],
        )
    except MachineError as error:
        failure.append(error.what)
    addressed(instance)

    def job() -> None:
        if failure:
            raise MachineError(failure[0])

    def failed(reason: str) -> None:
        cloud.work.queue(instance.id, lambda: cloud.machines.remove(instance.id))
        unseen(Instance.terminate.__wrapped__, instance)  # type: ignore[attr-defined]
        change(instance, "terminated", ("Server.InternalError", f"Server.InternalError: {reason}"))

    def runs() -> None:
        if instance.state == "pending":
            change(instance, "running")

    cloud.work.begin(instance.id, runs, failed, job)


def _public(key: str) -> str:
    """An OpenSSH line: moto has text from CreateKeyPair, and from ImportKeyPair what the caller encoded."""
    if " " not in key.strip():
        key = base64.b64decode(key).decode()
    return key.strip()
