"""Everything in one region of an AWS account that boots, or would boot, from an AMI.

Instances; launch templates, by the versions that something would launch; auto scaling groups, EC2 fleets and spot
fleets; launch configurations; SSM parameters that hold an AMI; other accounts that it is shared with; protection from
deregistration; recipes of Image Builder, where the account has DescribeImageReferences. (What else that knows is asked
for where it is kept, because it may be a day late:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html.) An answer that is not whole is an error: a
reference that was missed would cost the image that it needs. It decides nothing.

A version of a launch template counts where it is the default or the latest one, or where a group or a fleet names it.
Versions that nothing would launch do not: each new image makes one, and would be kept for good by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakewell.clouds.aws.api import Clients, Refusal, asking, unless_gone
from bakewell.image import NAMESPACE, Reference

if TYPE_CHECKING:
    from types_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef
    from types_boto3_ec2.type_defs import (
        ImageTypeDef,
        LaunchTemplateTypeDef,
        LaunchTemplateVersionTypeDef,
        ResourceTypeRequestTypeDef,
    )

_AMI = re.compile(r"^ami-[0-9a-f]+$")
_NEVER_AGAIN = ("terminated", "shutting-down")
_NOT_OFFERED = ("InvalidAction", "UnsupportedOperation", "OptInRequired")


def references(clients: Clients, region: str) -> list[Reference]:
    """Every reference in `region`. Raises CloudError where one of the questions is not answered whole."""
    launchers, images = list(_launchers(clients, region)), _ours(clients, region)
    ours = [item["ImageId"] for item in images]
    return [
        *_instances(clients, region),
        *_templates(clients, region, launchers),
        *_configurations(clients, region),
        *_parameters(clients, region),
        *_protected(images),
        *_shared(clients, region, ours),
        *_recipes(clients, region, ours),
    ]


def _instances(clients: Clients, region: str) -> Iterator[Reference]:
    with asking(f"list instances in {region}"):
        for page in clients.ec2(region).get_paginator("describe_instances").paginate():
            for item in (i for reservation in page["Reservations"] for i in reservation.get("Instances", [])):
                if item.get("State", {}).get("Name") not in _NEVER_AGAIN and "ImageId" in item:
                    yield Reference(item["ImageId"], "instance", item["InstanceId"], _name(item, item["InstanceId"]))


@dataclass(frozen=True, slots=True)
class _Launcher:
    """What launches machines by itself.

    Attributes:
        versions: launch template (by ID or name) and its version, of all that it may launch from or has launched.
        images: AMIs that it names itself.
    """

    kind: str
    name: str
    versions: tuple[tuple[str, str], ...]
    images: tuple[str, ...] = ()


def _launchers(clients: Clients, region: str) -> Iterator[_Launcher]:
    """Auto scaling groups, EC2 fleets and spot fleets; not fleets that were instant, for those launch nothing again."""
    with asking(f"list auto scaling groups in {region}"):
        for page in clients.autoscaling(region).get_paginator("describe_auto_scaling_groups").paginate():
            for group in page["AutoScalingGroups"]:
                running = (item.get("LaunchTemplate", {}) for item in group.get("Instances", []))
                versions = _versions(*_of_group(group), *running)
                yield _Launcher("auto scaling group", group["AutoScalingGroupName"], versions)
    with asking(f"list fleets in {region}"):
        for fleets in clients.ec2(region).get_paginator("describe_fleets").paginate():
            for fleet in fleets["Fleets"]:
                if fleet.get("FleetState", "").startswith("deleted"):
                    continue
                configs = fleet.get("LaunchTemplateConfigs", [])
                versions = _versions(*(one.get("LaunchTemplateSpecification", {}) for one in configs))
                named = (each.get("ImageId") for one in configs for each in one.get("Overrides", []))
                yield _Launcher("fleet", fleet["FleetId"], versions, tuple(filter(None, named)))
    with asking(f"list spot fleets in {region}"):
        for requests in clients.ec2(region).get_paginator("describe_spot_fleet_requests").paginate():
            for request in requests["SpotFleetRequestConfigs"]:
                if request.get("SpotFleetRequestState", "").startswith("cancelled"):
                    continue
                said = request["SpotFleetRequestConfig"]
                versions = _versions(
                    *(one.get("LaunchTemplateSpecification", {}) for one in said.get("LaunchTemplateConfigs", []))
                )
                images = (one.get("ImageId") for one in said.get("LaunchSpecifications", []))
                yield _Launcher("spot fleet", request["SpotFleetRequestId"], versions, tuple(filter(None, images)))


def _of_group(group: AutoScalingGroupTypeDef) -> Iterator[Mapping[str, Any]]:
    """The launch templates that a group may launch from: its own, and those of its mixed instances."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    yield group.get("LaunchTemplate", {})
    yield mixed.get("LaunchTemplateSpecification", {})
    for override in mixed.get("Overrides", []):
        yield override.get("LaunchTemplateSpecification", {})


def _versions(*named: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    keys = ("LaunchTemplateId", "LaunchTemplateName")
    return tuple((one[key], one.get("Version", "$Default")) for one in named for key in keys if one.get(key))


def _templates(clients: Clients, region: str, launchers: Sequence[_Launcher]) -> Iterator[Reference]:
    ec2 = clients.ec2(region)
    named: dict[str, dict[str, _Launcher]] = {}
    """Launch template, by ID or name -> version -> what names it."""
    for launcher in launchers:
        for key, version in launcher.versions:
            named.setdefault(key, {})[version] = launcher
        for image_id in launcher.images:
            yield Reference(image_id, launcher.kind, launcher.name, launcher.name)
    with asking(f"list launch templates in {region}"):
        pages = ec2.get_paginator("describe_launch_templates").paginate()
        templates = [template for page in pages for template in page["LaunchTemplates"]]
    for template in templates:
        asked = named.get(template["LaunchTemplateId"], {}) | named.get(template["LaunchTemplateName"], {})
        names = {"$Default": template["DefaultVersionNumber"], "$Latest": template["LatestVersionNumber"]}
        by_number = {str(names.get(version, version)): launcher for version, launcher in asked.items()}
        used = {*map(str, names.values()), *by_number}
        for one in _read(clients, region, template):
            number = str(one["VersionNumber"])
            if number not in used:
                continue
            for image_id in _resolved(clients, region, one.get("LaunchTemplateData", {}).get("ImageId", "")):
                name = f"{template['LaunchTemplateName']} version {number}"
                yield Reference(image_id, "launch template", f"{template['LaunchTemplateId']}:{number}", name)
                if number in by_number:
                    yield Reference(image_id, by_number[number].kind, by_number[number].name, by_number[number].name)


def _read(clients: Clients, region: str, template: LaunchTemplateTypeDef) -> list[LaunchTemplateVersionTypeDef]:
    """All versions: asked for one that was deleted, which an instance may still name, AWS answers with an error alone.

    None of a template that is gone by now.
    """
    pages = clients.ec2(region).get_paginator("describe_launch_template_versions")
    found: list[LaunchTemplateVersionTypeDef] = []
    with unless_gone(), asking(f"read versions of launch template {template['LaunchTemplateName']}"):
        for page in pages.paginate(LaunchTemplateId=template["LaunchTemplateId"]):
            found += page["LaunchTemplateVersions"]
    return found


def _resolved(clients: Clients, region: str, image: str) -> list[str]:
    """The AMI that a launch template names: itself, or by an SSM parameter (`resolve:ssm:NAME[:VERSION]`).

    None where there is no such parameter: that template launches nothing.
    """
    if not image.startswith("resolve:ssm:"):
        return [image] if image else []
    value = None
    with unless_gone(), asking(f"read the parameter of {image} in {region}"):
        value = clients.ssm(region).get_parameter(Name=image.removeprefix("resolve:ssm:"))["Parameter"].get("Value")
    return [value] if value else []


def _configurations(clients: Clients, region: str) -> Iterator[Reference]:
    with asking(f"list launch configurations in {region}"):
        pages = clients.autoscaling(region).get_paginator("describe_launch_configurations").paginate()
        for item in (one for page in pages for one in page["LaunchConfigurations"]):
            name = item["LaunchConfigurationName"]
            yield Reference(item["ImageId"], "launch configuration", name, name)


def _parameters(clients: Clients, region: str) -> Iterator[Reference]:
    """Parameters whose value is an AMI or a list of them, whatever type of data they say. Secure ones are not read."""
    ssm = clients.ssm(region)
    with asking(f"list SSM parameters in {region}"):
        pages = ssm.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Type", "Option": "Equals", "Values": ["String", "StringList"]}]
        )
        names = [item["Name"] for page in pages for item in page["Parameters"] if "Name" in item]
    for start in range(0, len(names), 10):  # as many as one call takes
        with asking(f"read SSM parameters in {region}"):
            for item in ssm.get_parameters(Names=names[start : start + 10])["Parameters"]:
                for value in filter(_AMI.match, map(str.strip, item.get("Value", "").split(","))):
                    yield Reference(value, "SSM parameter", item["Name"], item["Name"])


def _ours(clients: Clients, region: str) -> list[ImageTypeDef]:
    """The AMIs that somebody's project of this program made."""
    with asking(f"list images in {region}"):
        pages = (
            clients.ec2(region)
            .get_paginator("describe_images")
            .paginate(
                Owners=["self"], Filters=[{"Name": "tag-key", "Values": [f"{NAMESPACE}:project"]}], IncludeDisabled=True
            )
        )
        return [item for page in pages for item in page["Images"]]


def _protected(images: Sequence[ImageTypeDef]) -> Iterator[Reference]:
    """Those that AWS would not deregister: somebody said so, or took it back less than a day ago."""
    for item in images:
        if item.get("DeregistrationProtection", "disabled") != "disabled":
            name = f"of {item.get('Name', item['ImageId'])}"
            yield Reference(item["ImageId"], "deregistration protection", item["ImageId"], name)


def _shared(clients: Clients, region: str, ours: Sequence[str]) -> Iterator[Reference]:
    """Other accounts that may launch one of ours."""
    ec2 = clients.ec2(region)
    for image_id in ours:
        # One that is gone by now: Packer makes one more for a moment where it encrypts.
        with unless_gone(), asking(f"read launch permissions of {image_id}"):
            answer = ec2.describe_image_attribute(ImageId=image_id, Attribute="launchPermission")
            for permission in answer.get("LaunchPermissions", []):
                who = next((str(value) for value in permission.values()), "somebody")
                yield Reference(image_id, "launch permission", who, f"of {who}")


def _recipes(clients: Clients, region: str, ours: Sequence[str]) -> Iterator[Reference]:
    """Recipes of EC2 Image Builder that begin with one of ours; none where the account has no such question."""
    pages = clients.ec2(region).get_paginator("describe_image_references")
    kinds: list[ResourceTypeRequestTypeDef] = [
        {"ResourceType": "imagebuilder:ImageRecipe"},
        {"ResourceType": "imagebuilder:ContainerRecipe"},
    ]
    for start in range(0, len(ours), 10):  # as many as one call takes
        try:
            with asking(f"list what refers to images in {region}"):
                answers = pages.paginate(ImageIds=ours[start : start + 10], ResourceTypes=kinds)
                found = [item for page in answers for item in page["ImageReferences"]]
        except Refusal as error:
            if error.code in _NOT_OFFERED:
                return
            raise
        for item in found:
            arn = item.get("Arn", "")
            yield Reference(item.get("ImageId", ""), "image recipe", arn, arn.partition("/")[2] or arn)


def _name(item: Any, otherwise: str) -> str:
    """What the Name tag says."""
    return next((str(tag["Value"]) for tag in item.get("Tags", []) if tag.get("Key") == "Name"), otherwise)
