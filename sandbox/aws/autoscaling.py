"""Auto scaling groups launch from the template version they name, and their instances are in service once they run."""

from __future__ import annotations

import random
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, FakeAutoScalingGroup, InstanceState

from sandbox.aws.hooks import around, instead


def launch(group: Any, count: int) -> list[Any]:
    """Launches instances of a group's present template or configuration; their states in the group.

    Raises:
        ServiceException: the template's AMI can't be launched.
    """
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
