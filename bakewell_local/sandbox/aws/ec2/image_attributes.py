"""What an AMI is allowed: disabling, protection from deregistration, and its attributes."""

from __future__ import annotations

import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.ec2.devices import devices, with_default_key
from bakewell_local.sandbox.aws.ec2.images import owned
from bakewell_local.sandbox.aws.hooks import AwsError, around, instead

_COOLDOWN = 24 * 3600  # seconds for which protection with a cooldown lasts after it was taken off


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(EC2Response, "enable_image_deregistration_protection")
    def protect(self: Any) -> ActionResult:
        ami = owned(self.ec2_backend, self._get_param("ImageId"))
        self.error_on_dryrun()
        cooldown = bool(self._get_param("WithCooldown", False))
        ami.protection, ami.protected_until = "enabled-with-cooldown" if cooldown else "enabled", None
        return ActionResult({"Return": ami.protection})

    @instead(EC2Response, "disable_image_deregistration_protection")
    def unprotect(self: Any) -> ActionResult:
        ami = owned(self.ec2_backend, self._get_param("ImageId"))
        self.error_on_dryrun()
        if getattr(ami, "protection", None) == "enabled-with-cooldown":
            ami.protected_until = time.time() + _COOLDOWN
        ami.protection = "disabled"
        return ActionResult({"Return": ami.deregistration_protection})

    @around(EC2Response, "disable_image")
    def disable(original: Any, self: Any) -> Any:
        owned(self.ec2_backend, self._get_param("ImageId")).launch_permissions.clear()  # nobody else sees it again
        return original(self)

    @around(EC2Response, "describe_image_attribute")
    def describe(original: Any, self: Any) -> Any:
        owned(self.ec2_backend, self._get_param("ImageId"))
        return original(self)

    @around(EC2Response, "modify_image_attribute")
    def modify(original: Any, self: Any) -> Any:
        ami = owned(self.ec2_backend, self._get_param("ImageId"))
        if ami.state == "disabled":
            raise AwsError("InvalidAMIID.Unavailable", f"The image ID '{ami.id}' is not available")
        adds = self._get_param("LaunchPermission", {}).get("Add") or self._get_param("OperationType") == "add"
        if adds and any(with_default_key(self.ec2_backend, disk.snapshot) for disk in devices(ami)):
            what = "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot."
            raise AwsError("InvalidParameter", what)
        self.error_on_dryrun()
        for key, attribute in (("Description", "description"), ("ImdsSupport", "imds_support")):
            value = self._get_param(f"{key}.Value")
            if value is None and str(self._get_param("Attribute")).lower() == key.lower():
                value = self._get_param("Value")
            if value is not None:
                setattr(ami, attribute, value)
        return original(self)

    def protection(self: Any) -> str:
        until = getattr(self, "protected_until", None)
        if until is not None and time.time() < until:
            return "enabled-with-cooldown"
        return str(getattr(self, "protection", "disabled"))

    instead(Ami, "deregistration_protection")(property(protection))
