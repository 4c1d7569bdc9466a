"""`aws:ec2/launchTemplate:LaunchTemplate`. A change of what machines are made from is a new version, in place."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.providers.aws.machine import METADATA
from sandbox.providers.aws.resource import AwsResource, changed, has_code, tag_list
from sandbox.providers.aws.schema import REGION, TAGS, Failures, Field, Schema, canonical
from sandbox.providers.server import Operation, Properties
from sandbox.providers.values import UNKNOWN

_EBS: Schema = {
    "deleteOnTermination": Field("str"),
    "encrypted": Field("str"),
    "iops": Field("int"),
    "kmsKeyId": Field("str"),
    "snapshotId": Field("str"),
    "throughput": Field("int"),
    "volumeSize": Field("int"),
    "volumeType": Field("str"),
}
_INTERFACE: Schema = {
    "associatePublicIpAddress": Field("str"),
    "deleteOnTermination": Field("str"),
    "description": Field("str"),
    "deviceIndex": Field("int"),
    "networkInterfaceId": Field("str"),
    "privateIpAddress": Field("str"),
    "securityGroups": Field("set"),
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
    "disableApiStop": Field("bool"),
    "disableApiTermination": Field("bool"),
    "ebsOptimized": Field("str"),
    "iamInstanceProfile": Field("object", {"arn": Field("str"), "name": Field("str")}),
    "imageId": Field("str"),
    "instanceInitiatedShutdownBehavior": Field("str", one_of=("stop", "terminate")),
    "instanceType": Field("str"),
    "keyName": Field("str"),
    "metadataOptions": Field("object", METADATA),
    "monitoring": Field("object", {"enabled": Field("bool")}),
    "networkInterfaces": Field("list", _INTERFACE),
    "placement": Field(
        "object", {"availabilityZone": Field("str"), "groupName": Field("str"), "tenancy": Field("str")}
    ),
    "securityGroupNames": Field("set"),
    "tagSpecifications": Field("list", {"resourceType": Field("str"), "tags": Field("map")}),
    "userData": Field("str"),
    "vpcSecurityGroupIds": Field("set"),
}
# Three-valued in Terraform, and so text; booleans to the API.
_BOOLEAN_TEXTS = {"associatePublicIpAddress", "deleteOnTermination", "ebsOptimized", "encrypted"}
_GONE = (
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.NotFoundException",
    "InvalidLaunchTemplateName.NotFoundException",
)
_API_NAMES = {
    "securityGroupNames": "SecurityGroups",
    "securityGroups": "Groups",
    "vpcSecurityGroupIds": "SecurityGroupIds",
}


class LaunchTemplate(AwsResource):
    """What machines are made from, in numbered versions. `userData` is base64, given and shown."""

    label = "EC2 Launch Template"
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        **_DATA,
        "name": Field("str", computed=True, replaces=True, autonamed=True),
        "namePrefix": Field("str", computed=True, replaces=True),
        "description": Field("str"),
        "defaultVersion": Field("int", computed=True),
        "updateDefaultVersion": Field("bool"),
        "arn": Field("str", output=True),
        "latestVersion": Field("int", output=True),
    }

    def faults(self, name: str, inputs: Properties) -> Failures:
        if inputs.get("updateDefaultVersion") is not None and "defaultVersion" in inputs:
            told = 'Conflicting configuration arguments. "defaultVersion": conflicts with updateDefaultVersion'
            return [("defaultVersion", f"{told}. Examine values at '{name}.defaultVersion'.")]
        return []

    def foresee(self, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        # As the real one has it: a new description is a new version too, but a preview does not say so.
        told = changed - {"name", "namePrefix", "description"}
        unknown = ["latestVersion"] if told - {"defaultVersion", "updateDefaultVersion"} else []
        if told and planned.get("updateDefaultVersion"):
            unknown.append("defaultVersion")
        return dict.fromkeys(unknown, UNKNOWN)

    def make(self, inputs: Properties, planned: Properties) -> str:
        name = planned.get("name") or f"{planned['namePrefix']}{secrets.token_hex(13)}"
        request: Properties = {"LaunchTemplateName": name, "LaunchTemplateData": _data(planned)}
        if planned.get("description"):
            request["VersionDescription"] = planned["description"]
        if planned["tagsAll"]:
            tags = tag_list(planned["tagsAll"])
            request["TagSpecifications"] = [{"ResourceType": "launch-template", "Tags": tags}]
        made = self.client("ec2", planned).create_launch_template(**request)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client = self.client("ec2", state)
        try:
            found = client.describe_launch_templates(LaunchTemplateIds=[resource_id])["LaunchTemplates"]
        except ClientError as error:
            if has_code(error, *_GONE):
                return None
            raise
        if not found:
            return None
        template = found[0]
        latest = str(template["LatestVersionNumber"])
        version = client.describe_launch_template_versions(LaunchTemplateId=resource_id, Versions=[latest])
        (newest,) = version["LaunchTemplateVersions"]
        return {
            **dict.fromkeys(_DATA),
            **_seen(_DATA, newest["LaunchTemplateData"]),
            **self.tags_seen(template.get("Tags", []), state),
            "region": state["region"],
            "arn": self.arn("ec2", f"launch-template/{resource_id}", state),
            "name": template["LaunchTemplateName"],
            "namePrefix": state.get("namePrefix"),
            "description": newest.get("VersionDescription"),
            "defaultVersion": template["DefaultVersionNumber"],
            "latestVersion": template["LatestVersionNumber"],
        }

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        client, different = self.client("ec2", planned), changed(state, planned)
        latest = int(state["latestVersion"])
        if different & {*_DATA, "description"}:
            request: Properties = {"LaunchTemplateId": resource_id, "LaunchTemplateData": _data(planned)}
            if planned.get("description"):
                request["VersionDescription"] = planned["description"]
            made = client.create_launch_template_version(**request)
            latest = made["LaunchTemplateVersion"]["VersionNumber"]
        if planned.get("updateDefaultVersion") or "defaultVersion" in different:
            version = latest if planned.get("updateDefaultVersion") else int(planned["defaultVersion"])
            client.modify_launch_template(LaunchTemplateId=resource_id, DefaultVersion=str(version))
        self.retag(resource_id, state, planned)

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self.client("ec2", state).delete_launch_template(LaunchTemplateId=resource_id)
        except ClientError as error:
            if not has_code(error, *_GONE):
                raise


def _data(planned: Properties) -> Properties:
    """`LaunchTemplateData`; the API wants at least one field, so that user data is always there."""
    return {"UserData": "", **_wanted(_DATA, planned)}


def _wanted(fields: Schema, properties: Properties) -> Properties:
    """What a request says for the properties; zeros and blanks are left out."""
    request: Properties = {}
    for key, field in fields.items():
        value = properties.get(key)
        if value in (None, "", 0, [], {}) and value is not False:
            continue
        request[_api_name(key)] = _out(key, field, value)
    return request


def _out(key: str, field: Field, value: Any) -> Any:
    if field.fields is not None and isinstance(value, list):
        return [_wanted(field.fields, one) for one in value]
    if field.fields is not None:
        return _wanted(field.fields, value)
    if field.kind == "map":
        return tag_list(value)
    if key in _BOOLEAN_TEXTS:
        return value == "true"
    return int(value) if field.kind == "int" else value


def _seen(fields: Schema, answer: Any) -> Properties:
    found = {key: answer.get(_api_name(key)) for key in fields}
    return {key: _in(key, fields[key], value) for key, value in found.items() if value not in (None, "", [], {})}


def _in(key: str, field: Field, value: Any) -> Any:
    if field.fields is not None and isinstance(value, list):
        return [_seen(field.fields, one) for one in value]
    if field.fields is not None:
        return _seen(field.fields, value)
    if field.kind == "map":
        return {tag["Key"]: tag["Value"] for tag in value}
    if key in _BOOLEAN_TEXTS:
        return str(value).lower()
    return canonical(field, value) if field.kind == "set" else value


def _api_name(key: str) -> str:
    return _API_NAMES.get(key, f"{key[0].upper()}{key[1:]}")
