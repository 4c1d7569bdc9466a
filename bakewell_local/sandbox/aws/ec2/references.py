"""DescribeImageReferences: what of the account, in this region, names an AMI. A day's delay, as on AWS, it has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ssm.models import ssm_backends

from bakewell_local.sandbox.aws.ec2.pages import page
from bakewell_local.sandbox.aws.hooks import AwsError, instead
from bakewell_local.sandbox.aws.ssm import IMAGE

_VERSIONS = 10  # of a launch template, newest first, unless the request says otherwise


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(EC2Response, "describe_image_references")
    def describe(self: Any) -> ActionResult:
        self.error_on_dryrun()
        asked = {one["ResourceType"]: one for one in self._get_param("ResourceTypes", [])}
        if bool(asked) == bool(self._get_param("IncludeAllResourceTypes", False)):
            what = "Either ResourceTypes or IncludeAllResourceTypes must be given, and not both"
            raise AwsError("InvalidParameterCombination", what)
        kinds = {"ec2:Instance": _instances, "ec2:LaunchTemplate": _templates, "ssm:Parameter": _parameters}
        found = [
            {"ImageId": image_id, "ResourceType": kind, "Arn": arn}
            for image_id in self._get_param("ImageIds", [])
            for kind, look in kinds.items()
            if not asked or kind in asked
            for arn in look(self.ec2_backend, image_id, asked.get(kind, {}))
        ]
        return ActionResult(page(self, "ImageReferences", found))


def _arn(backend: Any, service: str, what: str) -> str:
    return f"arn:aws:{service}:{backend.region_name}:{backend.account_id}:{what}"


def _instances(backend: Any, image_id: str, _: dict[str, Any]) -> Iterator[str]:
    for instance in backend.all_instances():
        if instance.image_id == image_id and instance.state != "terminated":
            yield _arn(backend, "ec2", f"instance/{instance.id}")


def _templates(backend: Any, image_id: str, asked: dict[str, Any]) -> Iterator[str]:
    options = {one["OptionName"]: one["OptionValues"] for one in asked.get("ResourceTypeOptions", [])}
    depth = int(options.get("version-depth", [_VERSIONS])[0])
    for template in backend.launch_templates.values():
        if any(version.image_id == image_id for version in template.versions[-depth:]):
            yield _arn(backend, "ec2", f"launch-template/{template.id}")


def _parameters(backend: Any, image_id: str, _: dict[str, Any]) -> Iterator[str]:
    for name, versions in list(ssm_backends[backend.account_id][backend.region_name]._parameters.items()):
        newest = versions[-1] if versions and not name.startswith("/aws/") else None
        if newest is not None and (newest.data_type, newest.value) == (IMAGE, image_id):
            yield _arn(backend, "ssm", f"parameter/{name.lstrip('/')}")
