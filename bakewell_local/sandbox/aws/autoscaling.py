"""Auto scaling groups launch from the template version they name, and their instances are in service once they run.

Of a group's activities, its launches are told.
"""

from __future__ import annotations

import random
import uuid
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from bakewell_local.sandbox.aws.hooks import around, instead


def launch(group: Any, count: int) -> list[Any]:
    """Launches instances of a group's present template or configuration; their states in the group.

    Raises:
        ServiceException: the template's AMI can't be launched.
    """
    try:
        states = _launch(group, count)
    except ServiceException as error:
        _tell(group, "Launching a new EC2 instance", "Failed", f"{error.message} Launching EC2 instance failed.")
        raise
    for state in states:
        _tell(group, f"Launching a new EC2 instance: {state.instance.id}", "Successful")
    return states


def _tell(group: Any, what: str, status: str, message: str | None = None) -> None:
    now = utcnow()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Description": what,
        "Cause": "The group has fewer instances than it should have.",
        "StartTime": now,
        "EndTime": now,
        "StatusCode": status,
        "StatusMessage": message,
        "Progress": 100,
    }
    _activities(group).insert(0, activity)


def _activities(group: Any) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = group.__dict__.setdefault("activities", [])
    return known


def _launch(group: Any, count: int) -> list[Any]:
    template = version = None
    if group.ec2_launch_template:
        version = group.ec2_launch_template.get_version(group.launch_template_version).number
        template = {"LaunchTemplateId": group.ec2_launch_template.id, "Version": version}
    reservation = group.ec2_backend.run_instances(
        group.image_id,
        count,
        group.user_data,
        group.security_groups,
        instance_type=group.instance_type,
        tags={"instance": {**group.instance_tags, **group.get_propagated_tags(), ASG_NAME_TAG: group.name}},
        placement=random.choice(group.availability_zones),
        launch_config=group.launch_config,
        launch_template=template,
        is_instance_type_default=False,
        associate_public_ip=group.launch_config.associate_public_ip_address if group.launch_config else None,
        # moto's way: all in the first subnet
        subnet_id=group.vpc_zone_identifier.split(",")[0] if group.vpc_zone_identifier else None,
    )
    states = []
    for instance in reservation.instances:
        instance.autoscaling_group = group
        instance.template_version = version
        protected = group.new_instances_protected_from_scale_in
        states.append(InstanceState(instance, protected_from_scale_in=protected))
    group.instance_states.extend(states)
    return states


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
    def replace(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        launch(self, count_needed)

    @instead(FakeAutoScalingGroup, "active_instances")
    def active(self: Any) -> list[Any]:
        return [one for one in self.instance_states if one.lifecycle_state in ("Pending", "InService")]

    @instead(AutoScalingResponse, "describe_scaling_activities")
    def activities(self: Any) -> ActionResult:
        name = self._get_param("AutoScalingGroupName")
        groups = self.autoscaling_backend.autoscaling_groups
        asked = [groups[name]] if name in groups else [] if name else list(groups.values())
        found = [one for group in asked for one in _activities(group)]
        return ActionResult({"Activities": found[: int(self._get_param("MaxRecords", 100))]})

    @around(InstanceState, "__init__")
    def made(original: Any, self: Any, *given: Any, **named: Any) -> None:
        self.set_state = None
        original(self, *given, **named)

    def lifecycle(self: Any) -> str:
        """Pending while the instance is; whatever moto sets otherwise."""
        if self.set_state == "InService" and self.instance.state == "pending":
            return "Pending"
        return str(self.set_state)

    def set_lifecycle(self: Any, state: str) -> None:
        self.set_state = state

    def template(self: Any) -> dict[str, str] | None:
        """The version that the instance was launched from, as AWS tells it."""
        known, version = self.auto_scaling_group.ec2_launch_template, getattr(self.instance, "template_version", None)
        if known is None or version is None:
            return None
        return {"LaunchTemplateId": known.id, "LaunchTemplateName": known.name, "Version": str(version)}

    instead(InstanceState, "lifecycle_state")(property(lifecycle, set_lifecycle))
    instead(InstanceState, "launch_template")(property(template))
