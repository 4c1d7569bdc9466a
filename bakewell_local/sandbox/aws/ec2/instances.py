"""Instances between their states: stopped, started, rebooted, terminated, with the time that takes."""

from __future__ import annotations

import base64
import copy
from typing import Any

from moto.core.responses import EmptyResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.ec2.launching import addressed, change, unseen
from bakewell_local.sandbox.aws.hooks import AwsError, around


def require(instance: Any, *states: str) -> None:
    """Refuses unless the instance is in one of the states.

    Raises:
        AwsError: it is in another.
    """
    if instance.state not in states:
        what = f"The instance '{instance.id}' is not in a state from which it can do this: it is {instance.state}."
        raise AwsError("IncorrectInstanceState", what)


def install() -> None:
    """Puts this module's hooks in place."""

    @around(Instance, "stop")
    def stop(original: Any, self: Any) -> Any:
        require(self, "running", "stopping", "stopped")
        if self.state != "running":
            return copy.copy(self._state)
        cloud = current()
        before = unseen(original, self)
        change(self, "stopping")
        cloud.work.begin(
            self.id,
            lambda: _settle(self, "stopping", "stopped"),
            lambda _: _settle(self, "stopping", "running"),
            lambda: cloud.machines.stop(self.id, graceful=True),
        )
        return before

    @around(Instance, "start")
    def start(original: Any, self: Any) -> Any:
        require(self, "pending", "running", "stopped")
        if self.state != "stopped":
            return copy.copy(self._state)
        cloud = current()
        before = unseen(original, self)
        self.launch_time = utcnow()
        addressed(self)
        change(self, "pending")

        def job() -> None:
            self.machine_address = cloud.machines.start(self.id)

        def runs() -> None:
            addressed(self)
            _settle(self, "pending", "running")

        cloud.work.begin(self.id, runs, lambda _: _settle(self, "pending", "stopped"), job)
        return before

    @around(Instance, "reboot")
    def reboot(original: Any, self: Any) -> None:
        require(self, "running")
        cloud = current()

        def still() -> None:
            """A reboot shows in no state."""

        cloud.work.begin(self.id, still, lambda _: None, lambda: cloud.machines.reboot(self.id))

    @around(Instance, "terminate")
    def terminate(original: Any, self: Any) -> Any:
        if self.state in ("shutting-down", "terminated"):
            return copy.copy(self._state)
        cloud = current()
        before = unseen(original, self)
        change(self, "shutting-down")

        def gone(_: str = "") -> None:
            change(self, "terminated")

        cloud.work.begin(self.id, gone, gone, lambda: cloud.machines.remove(self.id))
        return before

    @around(EC2Response, "modify_instance_attribute")
    def modify(original: Any, self: Any) -> Any:
        value = self._get_param("UserData.Value")
        if value is None:
            return original(self)
        self.error_on_dryrun()
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        require(instance, "stopped")
        # cloud-init ran it once for this instance: a new one is for the record, as for most of it on AWS
        content = value.encode() if isinstance(value, str) else value
        instance.user_data = Base64EncodedString(base64.b64encode(content).decode())
        return EmptyResult()


def _settle(instance: Any, expected: str, state: str) -> None:
    """The state at the end of a change, unless another has begun meanwhile."""
    if instance.state == expected:
        change(instance, state)
