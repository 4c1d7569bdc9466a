"""Launch templates, and what launches machines from them or by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from bakewell.clouds.aws.answers.base import Answer, Tagged, Text


class TemplateSpecification(Answer):
    """A launch template, by ID or name or both, and the version of it; the default one where that is missing."""

    launch_template_id: str | None = None
    launch_template_name: str | None = None
    version: str | None = None

    @model_validator(mode="after")
    def _names_a_template(self) -> Self:
        if not (self.launch_template_id or self.launch_template_name):
            raise ValueError("neither LaunchTemplateId nor LaunchTemplateName is there")
        return self


class LaunchTemplate(Answer):
    """A launch template."""

    launch_template_id: Text
    launch_template_name: Text
    default_version_number: int
    latest_version_number: int


class LaunchTemplates(Answer):
    """DescribeLaunchTemplates."""

    launch_templates: list[LaunchTemplate]


class LaunchTemplateData(Answer):
    """What a version says; a template may leave the image to whoever launches from it."""

    image_id: str | None = None


class LaunchTemplateVersion(Answer):
    """A version of a launch template."""

    launch_template_id: Text
    version_number: int
    launch_template_data: LaunchTemplateData


class LaunchTemplateVersions(Answer):
    """DescribeLaunchTemplateVersions."""

    launch_template_versions: list[LaunchTemplateVersion]


class Override(Answer):
    """What a group or a fleet launches instead of what its template says."""

    launch_template_specification: TemplateSpecification | None = None
    image_id: str | None = None


class TemplateConfig(Answer):
    """A launch template and what overrides it: of a fleet, a spot fleet, the mixed instances of a group."""

    launch_template_specification: TemplateSpecification
    overrides: list[Override] = Field(default_factory=list)


class Fleet(Answer):
    """An EC2 fleet."""

    fleet_id: Text
    fleet_state: Text
    launch_template_configs: list[TemplateConfig] = Field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it launches nothing again."""
        return self.fleet_state.startswith("deleted")

    @model_validator(mode="after")
    def _launches_something(self) -> Self:
        if not (self.over or self.launch_template_configs):
            raise ValueError(f"{self.fleet_id} is {self.fleet_state} and has no LaunchTemplateConfigs")
        return self


class Fleets(Answer):
    """DescribeFleets."""

    fleets: list[Fleet]


class LaunchSpecification(Answer):
    """What a spot request launches."""

    image_id: Text


class SpotFleetConfig(Answer):
    """What a spot fleet launches: either of the two."""

    launch_specifications: list[LaunchSpecification] = Field(default_factory=list)
    launch_template_configs: list[TemplateConfig] = Field(default_factory=list)


class SpotFleet(Answer):
    """A spot fleet request."""

    spot_fleet_request_id: Text
    spot_fleet_request_state: Text
    spot_fleet_request_config: SpotFleetConfig

    @property
    def over(self) -> bool:
        """Whether it launches nothing again."""
        return self.spot_fleet_request_state.startswith("cancelled")

    @model_validator(mode="after")
    def _launches_something(self) -> Self:
        config = self.spot_fleet_request_config
        if not (self.over or config.launch_specifications or config.launch_template_configs):
            raise ValueError("neither LaunchSpecifications nor LaunchTemplateConfigs is there")
        return self


class SpotFleets(Answer):
    """DescribeSpotFleetRequests."""

    spot_fleet_request_configs: list[SpotFleet]


class SpotRequest(Answer):
    """A request for a spot instance. A disabled one, of an instance that was stopped, may be enabled again."""

    spot_instance_request_id: Text
    state: Text
    launch_specification: LaunchSpecification | None = None

    @property
    def over(self) -> bool:
        """Whether it launches nothing again."""
        return self.state in ("closed", "cancelled", "failed")

    @model_validator(mode="after")
    def _launches_something(self) -> Self:
        if not (self.over or self.launch_specification):
            raise ValueError(f"{self.spot_instance_request_id} is {self.state} and has no LaunchSpecification")
        return self


class SpotRequests(Answer):
    """DescribeSpotInstanceRequests."""

    spot_instance_requests: list[SpotRequest]


class LaunchConfiguration(Answer):
    """What launch templates came after."""

    launch_configuration_name: Text
    image_id: Text


class LaunchConfigurations(Answer):
    """DescribeLaunchConfigurations."""

    launch_configurations: list[LaunchConfiguration]


# Auto scaling groups


class MixedInstances(Answer):
    """A group's template and what overrides it."""

    launch_template: TemplateConfig


class Member(Answer):
    """An instance of a group; without a template where it was attached by hand or is of a launch configuration."""

    instance_id: Text
    lifecycle_state: Text
    health_status: Text
    launch_template: TemplateSpecification | None = None


class Group(Tagged):
    """An auto scaling group, which launches from exactly one of three things."""

    auto_scaling_group_name: Text
    desired_capacity: int
    instances: list[Member]
    launch_configuration_name: str | None = None
    launch_template: TemplateSpecification | None = None
    mixed_instances_policy: MixedInstances | None = None

    @model_validator(mode="after")
    def _launches_something(self) -> Self:
        if not (self.launch_configuration_name or self.launch_template or self.mixed_instances_policy):
            raise ValueError("none of LaunchConfigurationName, LaunchTemplate and MixedInstancesPolicy is there")
        return self


class Groups(Answer):
    """DescribeAutoScalingGroups."""

    auto_scaling_groups: list[Group]


class DesiredConfiguration(Answer):
    """What a refresh is to launch, which becomes the group's own when it has succeeded."""

    launch_template: TemplateSpecification | None = None
    mixed_instances_policy: MixedInstances | None = None


class Refresh(Answer):
    """A group's instance refresh; without a time while it is pending."""

    status: Text
    start_time: datetime | None = None
    status_reason: str = ""
    desired_configuration: DesiredConfiguration | None = None


class Refreshes(Answer):
    """DescribeInstanceRefreshes."""

    instance_refreshes: list[Refresh]


class Activity(Answer):
    """What a group did, or tried to."""

    status_code: Text
    status_message: str = ""
    description: str = ""


class Activities(Answer):
    """DescribeScalingActivities."""

    activities: list[Activity]
