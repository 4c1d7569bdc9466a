"""The plugin itself: which resources it has, how it is configured, and its functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.providers import values, versions
from sandbox.providers.aws.group import Group
from sandbox.providers.aws.instance import Instance
from sandbox.providers.aws.launch_template import LaunchTemplate
from sandbox.providers.aws.resource import AwsResource
from sandbox.providers.aws.resources import AmiLaunchPermission, KeyPair, Parameter
from sandbox.providers.aws.security_group import SecurityGroup
from sandbox.providers.aws.session import Cloud, Settings
from sandbox.providers.server import Operation, Properties, Provider, ProviderError

# The cloud, the clients of a region, the arguments.
_Function = Callable[[Cloud, Callable[[str], Any], Properties], Properties]

# The bridge puts these among the provider's inputs, and so into state.
_DEFAULTS = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}


class AwsProvider(Provider):
    """An interrupt changes nothing for it: what it began, it finishes, so that Pulumi can record it. Without a region,
    valid credentials and an account that is meant, it refuses before anything is previewed.
    """

    name = "aws"
    version = versions.AWS
    accepts_secrets = False

    def __init__(self) -> None:
        own: dict[str, AwsResource] = {
            "aws:autoscaling/group:Group": Group(),
            "aws:ec2/amiLaunchPermission:AmiLaunchPermission": AmiLaunchPermission(),
            "aws:ec2/instance:Instance": Instance(),
            "aws:ec2/keyPair:KeyPair": KeyPair(),
            "aws:ec2/launchTemplate:LaunchTemplate": LaunchTemplate(),
            "aws:ec2/securityGroup:SecurityGroup": SecurityGroup(),
            "aws:ssm/parameter:Parameter": Parameter(),
        }
        self._own = own
        self.resources = own
        self.functions = {f"aws:{token}": partial(self._invoke, look) for token, look in _FUNCTIONS.items()}

    def check_config(self, config: Properties) -> tuple[Properties, list[str]]:
        settings = Settings.read(values.plain(config))
        inputs = {**_DEFAULTS, **({"region": settings.region} if settings.region else {}), **config}
        if any(values.is_unknown(value) for value in config.values()):
            return inputs, []
        fault = Cloud(settings).fault()
        return inputs, [fault] if fault else []

    def configure(self, config: Properties) -> None:
        self._cloud = Cloud(Settings.read(config))
        self._cloud.identify()
        for resource in self._own.values():
            resource.cloud = self._cloud

    def cancel(self) -> None:
        """What was begun is finished: see the class."""

    def _invoke(self, look: _Function, op: Operation, arguments: Properties) -> Properties:
        cloud, given = self._cloud, values.plain(arguments)
        region = given.get("region") or cloud.region
        try:
            return {**given, "region": region, **look(cloud, lambda service: cloud.client(service, region), given)}
        except (ClientError, BotoCoreError) as error:
            raise ProviderError(f"invoking {op.name}: 1 error occurred:\n\t* {cloud.words(error)}\n\n") from error
        except _NotFoundError as error:
            raise ProviderError(f"invoking {op.name}: 1 error occurred:\n\t* {error}\n\n") from error


class _NotFoundError(Exception):
    """What a function was asked for is not there, or not one."""


def _caller_identity(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    who = client("sts").get_caller_identity()
    return {"accountId": who["Account"], "arn": who["Arn"], "userId": who["UserId"], "id": who["Account"]}


def _region(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    name = given.get("name") or given.get("region") or cloud.region
    endpoint = f"ec2.{name}.amazonaws.com"
    return {"name": name, "id": name, "region": name, "endpoint": endpoint, "description": name}


def _vpc(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    by = {"cidrBlock": "cidr", "dhcpOptionsId": "dhcp-options-id", "state": "state"}
    plain = {name: [given[key]] for key, name in by.items() if given.get(key)}
    if given.get("default") is not None:
        plain["isDefault"] = [str(given["default"]).lower()]
    request: Properties = {"Filters": _filters(given, plain)}
    if given.get("id"):
        request["VpcIds"] = [given["id"]]
    vpc = _single("EC2 VPC", client("ec2").describe_vpcs(**request)["Vpcs"])
    associations = [
        {"associationId": one["AssociationId"], "cidrBlock": one["CidrBlock"], "state": one["CidrBlockState"]["State"]}
        for one in vpc.get("CidrBlockAssociationSet", [])
    ]
    owner = vpc.get("OwnerId") or cloud.account_id
    return {
        "id": vpc["VpcId"],
        "arn": f"arn:{cloud.partition}:ec2:{given.get('region') or cloud.region}:{owner}:vpc/{vpc['VpcId']}",
        "cidrBlock": vpc["CidrBlock"],
        "cidrBlockAssociations": associations,
        "default": vpc["IsDefault"],
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "ownerId": owner,
        "state": vpc["State"],
        "tags": _tags(vpc),
    }


def _subnet(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    by = {"availabilityZone": "availabilityZone", "cidrBlock": "cidrBlock", "state": "state", "vpcId": "vpc-id"}
    plain = {name: [given[key]] for key, name in by.items() if given.get(key)}
    if given.get("defaultForAz") is not None:
        plain["defaultForAz"] = [str(given["defaultForAz"]).lower()]
    request: Properties = {"Filters": _filters(given, plain)}
    if given.get("id"):
        request["SubnetIds"] = [given["id"]]
    subnet = _single("EC2 Subnet", client("ec2").describe_subnets(**request)["Subnets"])
    owner = subnet.get("OwnerId") or cloud.account_id
    return {
        "id": subnet["SubnetId"],
        "arn": subnet["SubnetArn"],
        "assignIpv6AddressOnCreation": subnet.get("AssignIpv6AddressOnCreation", False),
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet.get("AvailabilityZoneId", ""),
        "availableIpAddressCount": subnet.get("AvailableIpAddressCount", 0),
        "cidrBlock": subnet["CidrBlock"],
        "defaultForAz": subnet.get("DefaultForAz", False),
        "mapPublicIpOnLaunch": subnet.get("MapPublicIpOnLaunch", False),
        "ownerId": owner,
        "state": subnet["State"],
        "tags": _tags(subnet),
        "vpcId": subnet["VpcId"],
    }


def _subnets(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    pages = client("ec2").get_paginator("describe_subnets").paginate(Filters=_filters(given, {}))
    ids = [subnet["SubnetId"] for page in pages for subnet in page["Subnets"]]
    return {"id": given.get("region") or cloud.region, "ids": ids, "tags": given.get("tags") or {}}


def _instance_type_offerings(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    request: Properties = {"Filters": _filters(given, {})}
    if given.get("locationType"):
        request["LocationType"] = given["locationType"]
    pages = client("ec2").get_paginator("describe_instance_type_offerings").paginate(**request)
    found = [one for page in pages for one in page["InstanceTypeOfferings"]]
    return {
        "id": given.get("region") or cloud.region,
        "instanceTypes": [one["InstanceType"] for one in found],
        "locations": [one["Location"] for one in found],
        "locationTypes": [one["LocationType"] for one in found],
    }


def _ami(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    request: Properties = {"Filters": _filters(given, {})}
    lists = {"owners": "Owners", "executableUsers": "ExecutableUsers"}
    request |= {name: given[key] for key, name in lists.items() if given.get(key)}
    if given.get("includeDeprecated"):
        request["IncludeDeprecated"] = True
    images = client("ec2").describe_images(**request)["Images"]
    if given.get("nameRegex"):
        images = [image for image in images if re.search(given["nameRegex"], image.get("Name", ""))]
    if not images:
        raise _NotFoundError("Your query returned no results. Please change your search criteria and try again.")
    if len(images) > 1 and not given.get("mostRecent"):
        told = "Please try a more specific search criteria, or set `most_recent` attribute to true."
        raise _NotFoundError(f"Your query returned more than one result. {told}")
    image = max(images, key=lambda one: one.get("CreationDate", ""))
    region = given.get("region") or cloud.region
    return {
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "arn": f"arn:{cloud.partition}:ec2:{region}::image/{image['ImageId']}",
        "architecture": image.get("Architecture", ""),
        "creationDate": image.get("CreationDate", ""),
        "deprecationTime": image.get("DeprecationTime", ""),
        "description": image.get("Description", ""),
        "imageLocation": image.get("ImageLocation", ""),
        "imageOwnerAlias": image.get("ImageOwnerAlias", ""),
        "lastLaunchedTime": image.get("LastLaunchedTime", ""),
        "name": image.get("Name", ""),
        "ownerId": image.get("OwnerId", ""),
        "public": image.get("Public", False),
        "rootDeviceName": image.get("RootDeviceName", ""),
        "rootDeviceType": image.get("RootDeviceType", ""),
        "rootSnapshotId": _root_snapshot(image),
        "state": image.get("State", ""),
        "tags": _tags(image),
        "virtualizationType": image.get("VirtualizationType", ""),
    }


def _parameter(cloud: Cloud, client: Callable[[str], Any], given: Properties) -> Properties:
    decrypt = given.get("withDecryption", True)
    try:
        found = client("ssm").get_parameter(Name=given["name"], WithDecryption=decrypt)["Parameter"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            raise _NotFoundError(f"reading SSM Parameter ({given['name']}): couldn't find resource") from error
        raise
    insecure = "" if found["Type"] == "SecureString" else found["Value"]
    return {
        "id": found["Name"],
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": insecure,
        "version": found["Version"],
        "withDecryption": decrypt,
    }


_FUNCTIONS: dict[str, _Function] = {
    "ec2/getAmi:getAmi": _ami,
    "ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _instance_type_offerings,
    "ec2/getSubnet:getSubnet": _subnet,
    "ec2/getSubnets:getSubnets": _subnets,
    "ec2/getVpc:getVpc": _vpc,
    "index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "index/getRegion:getRegion": _region,
    "ssm/getParameter:getParameter": _parameter,
}


def _filters(given: Properties, plain: dict[str, list[str]]) -> list[Properties]:
    wanted = dict(plain) | {f"tag:{key}": [value] for key, value in (given.get("tags") or {}).items()}
    wanted |= {one["name"]: one["values"] for one in given.get("filters") or []}
    return [{"Name": name, "Values": texts} for name, texts in wanted.items()]


def _single(kind: str, found: list[Any]) -> Any:
    if not found:
        raise _NotFoundError(f"no matching {kind} found")
    if len(found) > 1:
        raise _NotFoundError(
            f"multiple {kind}s matched; use additional constraints to reduce matches to a single {kind}"
        )
    return found[0]


def _tags(thing: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", []) if not tag["Key"].startswith("aws:")}


def _root_snapshot(image: Any) -> str:
    for mapping in image.get("BlockDeviceMappings", []):
        if mapping.get("DeviceName") == image.get("RootDeviceName"):
            return str(mapping.get("Ebs", {}).get("SnapshotId", ""))
    return ""
