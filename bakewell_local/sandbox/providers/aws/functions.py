"""The functions of the plugin: what a program asks about networks, images, parameters and itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bakewell_local.sandbox.providers.aws.resource import has_code, tag_map
from bakewell_local.sandbox.providers.aws.session import Cloud
from bakewell_local.sandbox.providers.server import Properties


class NotFoundError(Exception):
    """What was asked for is not there, or not one."""


@dataclass(frozen=True, slots=True)
class Question:
    """The arguments of a call, the region that it is about, and whom to ask."""

    cloud: Cloud
    region: str
    given: Properties

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.region)

    def filters(self, **plain: str) -> list[Properties]:
        """`Filters` of a request, from the arguments; `plain` names those that have an argument of their own."""
        wanted = {name: [_text(self.given[key])] for key, name in plain.items() if self.given.get(key) is not None}
        wanted |= {f"tag:{key}": [value] for key, value in (self.given.get("tags") or {}).items()}
        wanted |= {one["name"]: one["values"] for one in self.given.get("filters") or []}
        return [{"Name": name, "Values": texts} for name, texts in wanted.items()]

    def arn(self, thing: str, owner: str) -> str:
        return f"arn:{self.cloud.partition}:ec2:{self.region}:{owner}:{thing}"


def _caller_identity(asked: Question) -> Properties:
    found = asked.client("sts").get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"], "id": found["Account"]}


def _region(asked: Question) -> Properties:
    name = asked.given.get("name") or asked.region
    endpoint = f"ec2.{name}.amazonaws.com"
    return {"name": name, "id": name, "region": name, "endpoint": endpoint, "description": name}


def _vpc(asked: Question) -> Properties:
    filters = asked.filters(cidrBlock="cidr", dhcpOptionsId="dhcp-options-id", state="state", default="isDefault")
    ids = {"VpcIds": [asked.given["id"]]} if asked.given.get("id") else {}
    vpc = _single("EC2 VPC", asked.client("ec2").describe_vpcs(Filters=filters, **ids)["Vpcs"])
    associations = [
        {"associationId": one["AssociationId"], "cidrBlock": one["CidrBlock"], "state": one["CidrBlockState"]["State"]}
        for one in vpc.get("CidrBlockAssociationSet", [])
    ]
    return {
        **_named(vpc, "cidrBlock", "dhcpOptionsId", "instanceTenancy", "ownerId", "state"),
        "id": vpc["VpcId"],
        "arn": asked.arn(f"vpc/{vpc['VpcId']}", vpc.get("OwnerId") or asked.cloud.account_id),
        "cidrBlockAssociations": associations,
        "default": vpc["IsDefault"],
    }


def _subnet(asked: Question) -> Properties:
    plain = {key: key for key in ("availabilityZone", "cidrBlock", "state", "defaultForAz")}
    filters = asked.filters(vpcId="vpc-id", **plain)
    ids = {"SubnetIds": [asked.given["id"]]} if asked.given.get("id") else {}
    subnet = _single("EC2 Subnet", asked.client("ec2").describe_subnets(Filters=filters, **ids)["Subnets"])
    return {
        **_named(subnet, "availabilityZone", "availabilityZoneId", "availableIpAddressCount", "cidrBlock"),
        **_named(subnet, "assignIpv6AddressOnCreation", "defaultForAz", "mapPublicIpOnLaunch", "ownerId"),
        **_named(subnet, "state", "vpcId"),
        "id": subnet["SubnetId"],
        "arn": subnet["SubnetArn"],
    }


def _subnets(asked: Question) -> Properties:
    pages = asked.client("ec2").get_paginator("describe_subnets").paginate(Filters=asked.filters())
    ids = [subnet["SubnetId"] for page in pages for subnet in page["Subnets"]]
    return {"id": asked.region, "ids": ids, "tags": asked.given.get("tags") or {}}


def _instance_type_offerings(asked: Question) -> Properties:
    by = {"LocationType": asked.given["locationType"]} if asked.given.get("locationType") else {}
    pages = (
        asked.client("ec2").get_paginator("describe_instance_type_offerings").paginate(Filters=asked.filters(), **by)
    )
    found = [one for page in pages for one in page["InstanceTypeOfferings"]]
    return {
        "id": asked.region,
        "instanceTypes": [one["InstanceType"] for one in found],
        "locations": [one["Location"] for one in found],
        "locationTypes": [one["LocationType"] for one in found],
    }


def _ami(asked: Question) -> Properties:
    given = asked.given
    optional = {"owners": "Owners", "executableUsers": "ExecutableUsers", "includeDeprecated": "IncludeDeprecated"}
    wanted = {name: given[key] for key, name in optional.items() if given.get(key)}
    images = asked.client("ec2").describe_images(Filters=asked.filters(), **wanted)["Images"]
    if given.get("nameRegex"):
        images = [image for image in images if re.search(given["nameRegex"], image.get("Name", ""))]
    if not images:
        raise NotFoundError("Your query returned no results. Please change your search criteria and try again.")
    if len(images) > 1 and not given.get("mostRecent"):
        told = "Please try a more specific search criteria, or set `most_recent` attribute to true."
        raise NotFoundError(f"Your query returned more than one result. {told}")
    image = max(images, key=lambda one: one.get("CreationDate", ""))
    disks = {disk.get("DeviceName"): disk.get("Ebs", {}) for disk in image.get("BlockDeviceMappings", [])}
    return {
        **_named(image, "architecture", "creationDate", "deprecationTime", "description", "imageId", "imageLocation"),
        **_named(image, "imageOwnerAlias", "lastLaunchedTime", "name", "ownerId", "public", "rootDeviceName"),
        **_named(image, "rootDeviceType", "state", "virtualizationType"),
        "id": image["ImageId"],
        "arn": asked.arn(f"image/{image['ImageId']}", ""),
        "rootSnapshotId": disks.get(image.get("RootDeviceName"), {}).get("SnapshotId", ""),
    }


def _parameter(asked: Question) -> Properties:
    name, decrypt = asked.given["name"], asked.given.get("withDecryption", True)
    try:
        found = asked.client("ssm").get_parameter(Name=name, WithDecryption=decrypt)["Parameter"]
    except ClientError as error:
        if has_code(error, "ParameterNotFound"):
            raise NotFoundError(f"reading SSM Parameter ({name}): couldn't find resource") from error
        raise
    return {
        "id": found["Name"],
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": "" if found["Type"] == "SecureString" else found["Value"],
        "version": found["Version"],
        "withDecryption": decrypt,
    }


FUNCTIONS: dict[str, Callable[[Question], Properties]] = {
    "ec2/getAmi:getAmi": _ami,
    "ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _instance_type_offerings,
    "ec2/getSubnet:getSubnet": _subnet,
    "ec2/getSubnets:getSubnets": _subnets,
    "ec2/getVpc:getVpc": _vpc,
    "index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "index/getRegion:getRegion": _region,
    "ssm/getParameter:getParameter": _parameter,
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _single(kind: str, found: list[Any]) -> Any:
    if not found:
        raise NotFoundError(f"no matching {kind} found")
    if len(found) > 1:
        raise NotFoundError(
            f"multiple {kind}s matched; use additional constraints to reduce matches to a single {kind}"
        )
    return found[0]


def _named(thing: Any, *keys: str) -> Properties:
    """The properties that are called alike in the API, and the tags."""
    return {**{key: thing.get(f"{key[0].upper()}{key[1:]}") for key in keys}, "tags": tag_map(thing.get("Tags", []))}
