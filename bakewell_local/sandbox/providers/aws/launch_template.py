"""`aws:ec2/launchTemplate:LaunchTemplate`. A change of what machines are made from is a new version, in place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bakewell_local.sandbox.providers.aws.machine import METADATA
from bakewell_local.sandbox.providers.aws.resource import REGION, TAGS, AwsResource, changed
from bakewell_local.sandbox.providers.aws.shapes import request, seen
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema
from bakewell_local.sandbox.providers.bridge.waiting import Patience
from bakewell_local.sandbox.providers.server import Properties
from bakewell_local.sandbox.providers.values import UNKNOWN

_EBS: Schema = {
    "deleteOnTermination": Field("flag"),
    "encrypted": Field("flag"),
    "iops": Field("int"),
    "kmsKeyId": Field("str"),
    "snapshotId": Field("str"),
    "throughput": Field("int"),
    "volumeSize": Field("int"),
    "volumeType": Field("str"),
}
_INTERFACE: Schema = {
    "associatePublicIpAddress": Field("flag"),
    "deleteOnTermination": Field("flag"),
    "description": Field("str"),
    "deviceIndex": Field("int"),
    "networkInterfaceId": Field("str"),
    "privateIpAddress": Field("str"),
    "securityGroups": Field("set", api="Groups"),
    "subnetId": Field("str"),
}
# What a version holds, and so a new one is made for.
_DATA: Schema = {
    "blockDeviceMappings": Field(
        "list",
        {
            "deviceName": Field("str"),
            "ebs": Field("object", _EBS),
            "noDevice": Field("str"),
            "virtualName": Field("str"),
        },
    ),
    "iamInstanceProfile": Field("object", {"arn": Field("str"), "name": Field("str")}),
    "imageId": Field("str"),
    "instanceType": Field("str"),
    "keyName": Field("str"),
    "metadataOptions": Field("object", METADATA),
    "monitoring": Field("object", {"enabled": Field("bool")}),
    "networkInterfaces": Field("list", _INTERFACE),
    "tagSpecifications": Field("list", {"resourceType": Field("str"), "tags": Field("map")}),
    "userData": Field("str"),
    "vpcSecurityGroupIds": Field("set", api="SecurityGroupIds"),
}


class LaunchTemplate(AwsResource):
    """What machines are made from, in numbered versions. `userData` is base64, given and shown."""

    label = "EC2 Launch Template"
    tagged = "launch-template"
    gone = (
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateId.NotFoundException",
        "InvalidLaunchTemplateName.NotFoundException",
    )
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        **_DATA,
        "name": Field("str", replaces=True, autonamed=True),
        "description": Field("str"),
        "defaultVersion": Field("int", computed=True),
        "updateDefaultVersion": Field("bool"),
        "arn": Field("str", output=True),
        "latestVersion": Field("int", output=True),
    }

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        if inputs.get("updateDefaultVersion") is not None and "defaultVersion" in inputs:
            told = 'Conflicting configuration arguments. "defaultVersion": conflicts with updateDefaultVersion'
            yield "defaultVersion", told

    def foresee(self, planned: Properties, changed: set[str]) -> Properties:
        # As the real one has it: a new description is a new version too, but a preview does not say so.
        told = changed - {"name", "description"}
        unknown = ["latestVersion"] if told - {"defaultVersion", "updateDefaultVersion"} else []
        if told and planned.get("updateDefaultVersion"):
            unknown.append("defaultVersion")
        return dict.fromkeys(unknown, UNKNOWN)

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        wanted = {"LaunchTemplateName": planned["name"], **_version(planned), **self.tags_of(planned)}
        made = self.client("ec2", planned).create_launch_template(**wanted)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client = self.client("ec2", state)
        found = client.describe_launch_templates(LaunchTemplateIds=[resource_id])["LaunchTemplates"]
        if not found:
            return None
        template = found[0]
        latest = str(template["LatestVersionNumber"])
        version = client.describe_launch_template_versions(LaunchTemplateId=resource_id, Versions=[latest])
        (newest,) = version["LaunchTemplateVersions"]
        return {
            **dict.fromkeys(_DATA),
            **seen(_DATA, newest["LaunchTemplateData"]),
            **self.tags_seen(template.get("Tags", []), state),
            "arn": self.arn("ec2", f"launch-template/{resource_id}", state),
            "name": template["LaunchTemplateName"],
            "description": newest.get("VersionDescription"),
            "defaultVersion": template["DefaultVersionNumber"],
            "latestVersion": template["LatestVersionNumber"],
        }

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        client, different = self.client("ec2", planned), changed(state, planned)
        latest = int(state["latestVersion"])
        if different & {*_DATA, "description"}:
            made = client.create_launch_template_version(LaunchTemplateId=resource_id, **_version(planned))
            latest = made["LaunchTemplateVersion"]["VersionNumber"]
        if planned.get("updateDefaultVersion") or "defaultVersion" in different:
            version = latest if planned.get("updateDefaultVersion") else int(planned["defaultVersion"])
            client.modify_launch_template(LaunchTemplateId=resource_id, DefaultVersion=str(version))
        self.retag(resource_id, state, planned)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        self.client("ec2", state).delete_launch_template(LaunchTemplateId=resource_id)


def _version(planned: Properties) -> Properties:
    """A version in a request. The API wants at least one field, so that user data is always there."""
    data = {"LaunchTemplateData": {"UserData": "", **request(_DATA, planned)}}
    return {**data, "VersionDescription": planned["description"]} if planned.get("description") else data
