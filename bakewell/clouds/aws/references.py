"""Everything in one region of an AWS account that boots, or would boot, from an AMI.

Instances; launch templates, by the versions that something would launch; auto scaling groups; launch configurations;
SSM parameters that hold an AMI; other accounts that an AMI is shared with. An answer that is not whole is an error: a
reference that was missed would cost the image that it needs. It decides nothing.

A version of a launch template counts where it is the default or the latest one, or where an auto scaling group names
it. Versions that nothing would launch do not: each new image makes one, and would be kept for good by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bakewell.clouds.aws.api import Clients, asking
from bakewell.image import Reference

if TYPE_CHECKING:
    from types_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef, LaunchTemplateSpecificationTypeDef

_AMI = re.compile(r"^ami-[0-9a-f]+$")
_NEVER_AGAIN = ("terminated", "shutting-down")


def references(clients: Clients, region: str) -> list[Reference]:
    """Every reference in `region`. Raises CloudError where one of the questions is not answered whole."""
    groups = _groups(clients, region)
    return [
        *_instances(clients, region),
        *_templates(clients, region, groups),
        *_configurations(clients, region),
        *_parameters(clients, region),
        *_shared(clients, region),
    ]


def _instances(clients: Clients, region: str) -> Iterator[Reference]:
    with asking(f"list instances in {region}"):
        for page in clients.ec2(region).get_paginator("describe_instances").paginate():
            for item in (i for reservation in page["Reservations"] for i in reservation.get("Instances", [])):
                if item.get("State", {}).get("Name") not in _NEVER_AGAIN and "ImageId" in item:
                    yield Reference(item["ImageId"], "instance", item["InstanceId"], _name(item, item["InstanceId"]))


def _groups(clients: Clients, region: str) -> list[AutoScalingGroupTypeDef]:
    with asking(f"list auto scaling groups in {region}"):
        pages = clients.autoscaling(region).get_paginator("describe_auto_scaling_groups").paginate()
        return [group for page in pages for group in page["AutoScalingGroups"]]


def _specifications(group: AutoScalingGroupTypeDef) -> Iterator[LaunchTemplateSpecificationTypeDef]:
    """The launch templates that a group may launch from: its own, and those of its mixed instances."""
    if "LaunchTemplate" in group:
        yield group["LaunchTemplate"]
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    if "LaunchTemplateSpecification" in mixed:
        yield mixed["LaunchTemplateSpecification"]
    for override in mixed.get("Overrides", []):
        if "LaunchTemplateSpecification" in override:
            yield override["LaunchTemplateSpecification"]


def _templates(clients: Clients, region: str, groups: Sequence[AutoScalingGroupTypeDef]) -> Iterator[Reference]:
    ec2 = clients.ec2(region)
    named: dict[str, dict[str, str]] = {}
    """Launch template, by ID or name -> version -> the group that names it."""
    for group in groups:
        for asked in _specifications(group):
            version = asked.get("Version", "$Default")
            for key in (asked.get("LaunchTemplateId"), asked.get("LaunchTemplateName")):
                if key:
                    named.setdefault(key, {})[version] = group["AutoScalingGroupName"]
        for item in group.get("Instances", []):
            running = item.get("LaunchTemplate", {})
            if "LaunchTemplateId" in running and "Version" in running:
                named.setdefault(running["LaunchTemplateId"], {})[running["Version"]] = group["AutoScalingGroupName"]
    with asking(f"list launch templates in {region}"):
        pages = ec2.get_paginator("describe_launch_templates").paginate()
        templates = [template for page in pages for template in page["LaunchTemplates"]]
    for template in templates:
        of_groups = named.get(template["LaunchTemplateId"], {}) | named.get(template["LaunchTemplateName"], {})
        versions = sorted({"$Default", "$Latest", *of_groups})
        with asking(f"read versions of launch template {template['LaunchTemplateName']}"):
            read = ec2.get_paginator("describe_launch_template_versions").paginate(
                LaunchTemplateId=template["LaunchTemplateId"], Versions=versions
            )
            for one in (each for page in read for each in page["LaunchTemplateVersions"]):
                image = one.get("LaunchTemplateData", {}).get("ImageId", "")
                number = str(one["VersionNumber"])
                group_name = of_groups.get(number)
                for image_id in _resolved(clients, region, image):
                    yield Reference(
                        image_id,
                        "launch template",
                        f"{template['LaunchTemplateId']}:{number}",
                        f"{template['LaunchTemplateName']} version {number}",
                    )
                    if group_name:
                        yield Reference(image_id, "auto scaling group", group_name, group_name)


def _resolved(clients: Clients, region: str, image: str) -> list[str]:
    """The AMI that a launch template names: itself, or by an SSM parameter (`resolve:ssm:NAME[:VERSION]`)."""
    if not image.startswith("resolve:ssm:"):
        return [image] if image else []
    with asking(f"read the parameter of {image} in {region}"):
        value = clients.ssm(region).get_parameter(Name=image.removeprefix("resolve:ssm:"))["Parameter"].get("Value")
    return [value] if value else []


def _configurations(clients: Clients, region: str) -> Iterator[Reference]:
    with asking(f"list launch configurations in {region}"):
        pages = clients.autoscaling(region).get_paginator("describe_launch_configurations").paginate()
        for item in (one for page in pages for one in page["LaunchConfigurations"]):
            name = item["LaunchConfigurationName"]
            yield Reference(item["ImageId"], "launch configuration", name, name)


def _parameters(clients: Clients, region: str) -> Iterator[Reference]:
    """Parameters whose value is an AMI, whatever type of data they say it is. Secure ones are not read."""
    ssm = clients.ssm(region)
    with asking(f"list SSM parameters in {region}"):
        pages = ssm.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Type", "Option": "Equals", "Values": ["String"]}]
        )
        names = [item["Name"] for page in pages for item in page["Parameters"] if "Name" in item]
    for start in range(0, len(names), 10):  # as many as one call takes
        with asking(f"read SSM parameters in {region}"):
            for item in ssm.get_parameters(Names=names[start : start + 10])["Parameters"]:
                if _AMI.match(value := item.get("Value", "")):
                    yield Reference(value, "SSM parameter", item["Name"], item["Name"])


def _shared(clients: Clients, region: str) -> Iterator[Reference]:
    """Other accounts that may launch one of ours."""
    ec2 = clients.ec2(region)
    with asking(f"list images in {region}"):
        pages = ec2.get_paginator("describe_images").paginate(
            Owners=["self"], Filters=[{"Name": "tag-key", "Values": ["bakewell:project"]}], IncludeDisabled=True
        )
        ours = [item["ImageId"] for page in pages for item in page["Images"]]
    for image_id in ours:
        with asking(f"read launch permissions of {image_id}"):
            answer = ec2.describe_image_attribute(ImageId=image_id, Attribute="launchPermission")
        for permission in answer.get("LaunchPermissions", []):
            who = next((str(value) for value in permission.values()), "somebody")
            yield Reference(image_id, "launch permission", who, f"of {who}")


def _name(item: Any, otherwise: str) -> str:
    """What the Name tag says."""
    return next((str(tag["Value"]) for tag in item.get("Tags", []) if tag.get("Key") == "Name"), otherwise)
