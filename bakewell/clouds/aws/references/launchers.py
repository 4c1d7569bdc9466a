"""Whatever launches machines by itself: auto scaling groups, EC2 fleets, spot fleets, spot requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.launching import (
    DesiredConfiguration,
    Group,
    Refresh,
    TemplateConfig,
    TemplateSpecification,
)
from bakewell.clouds.aws.api import Clients, unless_gone
from bakewell.clouds.aws.groups import ACTIVE


@dataclass(frozen=True, slots=True)
class Launcher:
    """One of them.

    Attributes:
        versions: launch template (by ID or name) and its version, of all that it may launch from or has launched.
        images: AMIs that it names itself, by ID or as `resolve:ssm:…`.
    """

    kind: str
    name: str
    versions: tuple[tuple[str, str], ...]
    images: tuple[str, ...] = ()


def listed(clients: Clients, region: str) -> list[Launcher]:
    """All of a region. A fleet that was instant is none: it launches nothing again."""
    return [
        *_groups(clients, region),
        *_fleets(clients, region),
        *_spot_fleets(clients, region),
        *_spot_requests(clients, region),
    ]


def _groups(clients: Clients, region: str) -> Iterator[Launcher]:
    for page in clients.pages(region, calls.GROUPS, f"list auto scaling groups in {region}"):
        for group in page.auto_scaling_groups:
            name = group.auto_scaling_group_name
            policies: list[Group | DesiredConfiguration] = [group, *_coming(clients, region, name)]
            templates = [policy.launch_template for policy in (*policies, *group.instances) if policy.launch_template]
            mixed = [one.mixed_instances_policy.launch_template for one in policies if one.mixed_instances_policy]
            yield _launcher("auto scaling group", name, templates, mixed)


def _coming(clients: Clients, region: str, group: str) -> list[DesiredConfiguration]:
    """What a refresh that is under way is to launch: AWS gives it to the group only once it has succeeded."""
    refreshes: Sequence[Refresh] = ()
    with unless_gone(group):
        what = f"list instance refreshes of auto scaling group {group} in {region}"
        refreshes = clients.ask(region, calls.REFRESHES, what, AutoScalingGroupName=group).instance_refreshes
    return [one.desired_configuration for one in refreshes if one.status in ACTIVE and one.desired_configuration]


def _fleets(clients: Clients, region: str) -> Iterator[Launcher]:
    for page in clients.pages(region, calls.FLEETS, f"list fleets in {region}"):
        for fleet in page.fleets:
            if not fleet.over:
                yield _launcher("fleet", fleet.fleet_id, [], fleet.launch_template_configs)


def _spot_fleets(clients: Clients, region: str) -> Iterator[Launcher]:
    for page in clients.pages(region, calls.SPOT_FLEETS, f"list spot fleets in {region}"):
        for request in page.spot_fleet_request_configs:
            if not request.over:
                config = request.spot_fleet_request_config
                images = [one.image_id for one in config.launch_specifications]
                name = request.spot_fleet_request_id
                yield _launcher("spot fleet", name, [], config.launch_template_configs, images)


def _spot_requests(clients: Clients, region: str) -> Iterator[Launcher]:
    """Open ones will launch; so will active ones that are persistent, once their instance is interrupted."""
    for page in clients.pages(region, calls.SPOT_REQUESTS, f"list spot requests in {region}"):
        for request in page.spot_instance_requests:
            if not request.over and request.launch_specification:
                image = request.launch_specification.image_id
                yield Launcher("spot request", request.spot_instance_request_id, (), (image,))


def _launcher(
    kind: str,
    name: str,
    templates: Iterable[TemplateSpecification],
    configs: Iterable[TemplateConfig],
    images: Iterable[str] = (),
) -> Launcher:
    """One with launch templates, and with others and their overrides."""
    found, named = list(templates), list(images)
    for config in configs:
        found.append(config.launch_template_specification)
        for override in config.overrides:
            if override.launch_template_specification:
                found.append(override.launch_template_specification)
            if override.image_id:
                named.append(override.image_id)
    versions = (
        (template, specification.version or "$Default")
        for specification in found
        for template in (specification.launch_template_id, specification.launch_template_name)
        if template
    )
    return Launcher(kind, name, tuple(dict.fromkeys(versions)), tuple(dict.fromkeys(named)))
