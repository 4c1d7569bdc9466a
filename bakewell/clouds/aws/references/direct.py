"""What names an AMI itself: instances, launch configurations, parameters, permissions, recipes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.images import Ami
from bakewell.clouds.aws.api import Clients, Refusal, fitting, unless_gone
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, Reference

_AMI = re.compile(r"^ami-[0-9a-f]+$")
_NEVER_AGAIN = ("terminated", "shutting-down")
_NOT_OFFERED = ("InvalidAction", "UnsupportedOperation")


def instances(clients: Clients, region: str) -> Iterator[Reference]:
    """Those that run, or could be started again."""
    for page in clients.pages(region, calls.INSTANCES, f"list instances in {region}"):
        for instance in page.instances:
            if instance.state.name not in _NEVER_AGAIN:
                name = instance.tag("Name", instance.instance_id)
                yield Reference(instance.image_id, "instance", instance.instance_id, name)


def configurations(clients: Clients, region: str) -> Iterator[Reference]:
    """Launch configurations, whether a group has them or not."""
    for page in clients.pages(region, calls.LAUNCH_CONFIGURATIONS, f"list launch configurations in {region}"):
        for item in page.launch_configurations:
            name = item.launch_configuration_name
            yield Reference(item.image_id, "launch configuration", name, name)


def parameters(clients: Clients, region: str) -> Iterator[Reference]:
    """Parameters whose value is an AMI or a list of them, whatever type of data they say. Secure ones are not read."""
    readable = [{"Key": "Type", "Option": "Equals", "Values": ["String", "StringList"]}]
    pages = clients.pages(region, calls.PARAMETERS, f"list SSM parameters in {region}", ParameterFilters=readable)
    names = [parameter.name for page in pages for parameter in page.parameters]
    for start in range(0, len(names), 10):  # as many as one call takes
        some, what = names[start : start + 10], f"read SSM parameters in {region}"
        answer = clients.ask(region, calls.PARAMETER_VALUES, what, Names=some)
        told = {parameter.name for parameter in answer.parameters} | set(answer.invalid_parameters)
        if missing := sorted(set(some) - told):
            raise CloudError(
                f"AWS's answer is not whole, so it cannot be used to {what}: {calls.PARAMETER_VALUES.action} says "
                f"nothing of {', '.join(missing)}",
                remedy="run the command again",
            )
        for parameter in answer.parameters:
            for value in filter(_AMI.match, map(str.strip, parameter.value.split(","))):
                yield Reference(value, "SSM parameter", parameter.name, parameter.name)


def ours(clients: Clients, region: str) -> list[Ami]:
    """The AMIs that somebody's project of this program made."""
    wanted, what = [{"Name": "tag-key", "Values": [f"{NAMESPACE}:project"]}], f"list images in {region}"
    pages = clients.pages(region, calls.IMAGES, what, Owners=["self"], Filters=wanted, IncludeDisabled=True)
    return fitting((ami for page in pages for ami in page.images), wanted, calls.IMAGES, what)


def protected(images: Sequence[Ami]) -> Iterator[Reference]:
    """Those that AWS would not deregister: somebody said so, or took it back less than a day ago."""
    for ami in images:
        if ami.deregistration_protection != "disabled":
            yield Reference(ami.image_id, "deregistration protection", ami.image_id, f"of {ami.name or ami.image_id}")


def shared(clients: Clients, region: str, ours: Sequence[str]) -> Iterator[Reference]:
    """Other accounts that may launch one of ours."""
    for image_id in ours:
        # One that is gone by now: Packer makes one more for a moment where it encrypts.
        with unless_gone(image_id):
            what = f"read launch permissions of {image_id} in {region}"
            answer = clients.ask(region, calls.LAUNCH_PERMISSIONS, what, ImageId=image_id, Attribute="launchPermission")
            if answer.image_id != image_id:
                raise CloudError(
                    f"AWS's answer cannot be used to {what}: {calls.LAUNCH_PERMISSIONS.action} answers for "
                    f"{answer.image_id}",
                    remedy="run the command again",
                )
            for permission in answer.launch_permissions:
                yield Reference(image_id, "launch permission", permission.who, f"of {permission.who}")


def recipes(clients: Clients, region: str, ours: Sequence[str]) -> Iterator[Reference]:
    """Recipes of EC2 Image Builder that begin with one of ours; none where the account has no such question."""
    kinds = [{"ResourceType": "imagebuilder:ImageRecipe"}, {"ResourceType": "imagebuilder:ContainerRecipe"}]
    for start in range(0, len(ours), 10):  # as many as one call takes
        some, what = ours[start : start + 10], f"list what refers to images in {region}"
        try:
            pages = clients.pages(region, calls.IMAGE_REFERENCES, what, ImageIds=some, ResourceTypes=kinds)
        except Refusal as error:
            if error.code in _NOT_OFFERED:
                return
            raise
        for item in (item for page in pages for item in page.image_references):
            yield Reference(item.image_id, "image recipe", item.arn, item.arn.partition("/")[2] or item.arn)
