"""What an account has beside images and machines: regions, networks, types of machines, parameters, keys, roles."""

from __future__ import annotations

from pydantic import Field

from bakewell.clouds.aws.answers.base import Answer, Text


class Caller(Answer):
    """GetCallerIdentity."""

    account: Text
    arn: Text


class Region(Answer):
    """A region."""

    region_name: Text


class Regions(Answer):
    """DescribeRegions."""

    regions: list[Region]


class Vpc(Answer):
    """A network."""

    vpc_id: Text


class Vpcs(Answer):
    """DescribeVpcs."""

    vpcs: list[Vpc]


class Subnet(Answer):
    """A part of a network."""

    subnet_id: Text
    vpc_id: Text


class Subnets(Answer):
    """DescribeSubnets."""

    subnets: list[Subnet]


class Processor(Answer):
    """The processors of a type of machine."""

    supported_architectures: list[str]


class InstanceType(Answer):
    """A type of machine."""

    instance_type: Text
    processor_info: Processor


class InstanceTypes(Answer):
    """DescribeInstanceTypes."""

    instance_types: list[InstanceType]


class Parameter(Answer):
    """An SSM parameter and its value."""

    name: Text
    value: Text


class ParameterRead(Answer):
    """GetParameter."""

    parameter: Parameter


class ParametersRead(Answer):
    """GetParameters. Each name that was asked for is either a parameter or an invalid one."""

    parameters: list[Parameter]
    invalid_parameters: list[str] = Field(default_factory=list)


class ParameterListed(Answer):
    """An SSM parameter without its value."""

    name: Text


class ParametersListed(Answer):
    """DescribeParameters."""

    parameters: list[ParameterListed]


class Key(Answer):
    """A KMS key."""

    key_state: Text


class KeyRead(Answer):
    """DescribeKey."""

    key_metadata: Key


class Profile(Answer):
    """An instance profile."""

    instance_profile_name: Text


class ProfileRead(Answer):
    """GetInstanceProfile."""

    instance_profile: Profile
