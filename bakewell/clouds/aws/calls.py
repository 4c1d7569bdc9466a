"""The operations of AWS's APIs that this project calls, each with the model of its answer.

There is no other way to AWS than `Clients.ask` and `Clients.pages` with one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bakewell.clouds.aws.answers import account, images, launching, machines
from bakewell.clouds.aws.answers.base import Answer, Nothing

A = TypeVar("A", bound=Answer)

_NO_AMI = {"InvalidAMIID.NotFound": "", "InvalidAMIID.Unavailable": ""}
_NO_SNAPSHOT = {"InvalidSnapshot.NotFound": ""}
_NO_INSTANCE = {"InvalidInstanceID.NotFound": ""}


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """One operation.

    Attributes:
        service: as boto3 and IAM call it.
        operation: "DescribeImages".
        answer: the model of what AWS answers.
        gone: codes by which AWS says that the very thing asked for is not there -> words that the message has beside
            the thing's ID; None where AWS does not say the ID. An empty message is of no other thing.
    """

    service: str
    operation: str
    answer: type[A]
    gone: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """The permission that it takes: "ec2:DescribeImages"."""
        return f"{self.service}:{self.operation}"

    def denies(self, id: str, code: str, message: str) -> bool:
        """Whether an error says that `id`, of all that there are, is not there."""
        if code not in self.gone:
            return False
        words = self.gone[code]
        return words is None or not message or (id in message and words in message)


WHO = Call("sts", "GetCallerIdentity", account.Caller)
REGIONS = Call("ec2", "DescribeRegions", account.Regions)
VPCS = Call("ec2", "DescribeVpcs", account.Vpcs)
SUBNETS = Call("ec2", "DescribeSubnets", account.Subnets)
INSTANCE_TYPES = Call("ec2", "DescribeInstanceTypes", account.InstanceTypes)
KMS_KEY = Call("kms", "DescribeKey", account.KeyRead, {"NotFoundException": ""})
PROFILE = Call("iam", "GetInstanceProfile", account.ProfileRead, {"NoSuchEntity": ""})

IMAGES = Call("ec2", "DescribeImages", images.Images, {**_NO_AMI, "InvalidAMIID.Malformed": ""})
SNAPSHOTS = Call("ec2", "DescribeSnapshots", images.Snapshots)
LAUNCH_PERMISSIONS = Call("ec2", "DescribeImageAttribute", images.LaunchPermissions, _NO_AMI)
IMAGE_REFERENCES = Call("ec2", "DescribeImageReferences", images.ImageReferences)

INSTANCES = Call("ec2", "DescribeInstances", machines.Reservations)
KEY_PAIRS = Call("ec2", "DescribeKeyPairs", machines.KeyPairs)
LAUNCH_TEMPLATES = Call("ec2", "DescribeLaunchTemplates", launching.LaunchTemplates)
LAUNCH_TEMPLATE_VERSIONS = Call(
    "ec2",
    "DescribeLaunchTemplateVersions",
    launching.LaunchTemplateVersions,
    {"InvalidLaunchTemplateId.NotFound": ""},
)
FLEETS = Call("ec2", "DescribeFleets", launching.Fleets)
SPOT_FLEETS = Call("ec2", "DescribeSpotFleetRequests", launching.SpotFleets)
SPOT_REQUESTS = Call("ec2", "DescribeSpotInstanceRequests", launching.SpotRequests)
GROUPS = Call("autoscaling", "DescribeAutoScalingGroups", launching.Groups)
REFRESHES = Call(
    "autoscaling",
    "DescribeInstanceRefreshes",
    launching.Refreshes,
    {"ValidationError": "AutoScalingGroup name not found"},
)
ACTIVITIES = Call("autoscaling", "DescribeScalingActivities", launching.Activities)
LAUNCH_CONFIGURATIONS = Call("autoscaling", "DescribeLaunchConfigurations", launching.LaunchConfigurations)
PARAMETERS = Call("ssm", "DescribeParameters", account.ParametersListed)
PARAMETER_VALUES = Call("ssm", "GetParameters", account.ParametersRead)
PARAMETER = Call(
    "ssm", "GetParameter", account.ParameterRead, {"ParameterNotFound": None, "ParameterVersionNotFound": None}
)

CREATE_TAGS = Call("ec2", "CreateTags", Nothing, {**_NO_AMI, **_NO_SNAPSHOT})
DELETE_TAGS = Call("ec2", "DeleteTags", Nothing)
COPY_IMAGE = Call("ec2", "CopyImage", images.ImageId)
DEREGISTER_IMAGE = Call("ec2", "DeregisterImage", Nothing, _NO_AMI)
DELETE_SNAPSHOT = Call("ec2", "DeleteSnapshot", Nothing, _NO_SNAPSHOT)
IMPORT_KEY_PAIR = Call("ec2", "ImportKeyPair", machines.KeyPair)
DELETE_KEY_PAIR = Call("ec2", "DeleteKeyPair", Nothing)
TERMINATE_INSTANCES = Call("ec2", "TerminateInstances", machines.Terminating, _NO_INSTANCE)

CALLS: tuple[Call[Answer], ...] = tuple(value for value in list(globals().values()) if isinstance(value, Call))
"""All of them."""
