"""The settings of each cloud: a part of `Settings`. Types only, without decisions."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from bakewell.reading import Model, Name, Slug, each_once

CloudName = Literal["digitalocean", "aws", "docker"]

Id = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""A name or an ID; `pulumi config set --path` writes an ID of digits as a number."""


def _all_digits(value: object) -> object:
    """An account as `pulumi config set --path` writes it: a number. YAML reads a leading zero as octal."""
    if type(value) is int and not 10**11 <= value < 10**12:
        raise ValueError(f"{value} is no account: write its 12 digits in quotes")
    return str(value) if type(value) is int else value


def _not_of_aws(alias: str) -> str:
    if alias.startswith("alias/aws/"):
        raise ValueError(f"{alias} is a key of AWS's own: leave kms_key out, and EBS takes the account's")
    return alias


def _block(value: str) -> str:
    """Host bits must be zero. EC2 normalises the block, so every preview would show a diff."""
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"{value} is no block of IPv4 addresses, such as 192.0.2.0/24") from error
    if value != str(network):
        raise ValueError(f"{value} is no block of IPv4 addresses: write {network}")
    return value


_Account = Annotated[str, BeforeValidator(_all_digits), Field(pattern=r"^[0-9]{12}$")]
"""An AWS account."""

Subnet = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
KmsKey = Annotated[str, Field(pattern=r"^alias/[A-Za-z0-9/_-]+$"), AfterValidator(_not_of_aws)]
"""The alias of a key. Aliases can exist in every region and account; the ARN of a key belongs to one region."""
ANYWHERE = "0.0.0.0/0"
Cidr = Annotated[str, AfterValidator(_block)]
"""Of IPv4."""


class DropletSettings(Model):
    """The droplets of a role."""

    count: int = Field(default=1, ge=0, le=100)
    size: Slug = "s-1vcpu-1gb"
    ssh_keys: list[Id] = Field(default_factory=list, description="keys in the account: names, IDs or fingerprints")


class DigitalOceanSettings(Model):
    """Settings for DigitalOcean."""

    regions: list[Slug] = Field(default=["nyc3"], min_length=1, description="the first builds, others get copies")
    droplets: dict[Name, DropletSettings] = Field(default_factory=dict)

    @field_validator("regions")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        return each_once(values)


class Ec2Settings(Model):
    """Settings that instances and fleets share."""

    count: int = Field(default=1, ge=0, le=100)
    type: InstanceType = "t3.micro"
    key: str | None = Field(default=None, min_length=1, description="key pair that may log in, by name")
    profile: str | None = Field(default=None, min_length=1, description="instance profile, by name")
    open_to: list[Cidr] = Field(default=[ANYWHERE], description="who may reach the role's own port")
    ssh_from: list[Cidr] = Field(default_factory=list, description="who may reach port 22")

    @property
    def login(self) -> bool:
        """Whether SSH login is possible."""
        return bool(self.key and self.ssh_from)


class InstanceSettings(Ec2Settings):
    """Numbered instances of a role."""

    subnet: Subnet | None = Field(default=None, description="by default one of the default VPC's")


class FleetSettings(Ec2Settings):
    """An auto scaling group of a role: `count` instances, in as many zones as there are subnets."""

    subnets: list[Subnet] = Field(default_factory=list, description="by default all of the default VPC's")


class AwsSettings(Model):
    """Settings for AWS."""

    regions: list[Slug] = Field(default=["us-east-1"], min_length=1, description="the first builds, others get copies")
    account: _Account | None = Field(default=None, description="whose credentials it must be run with")
    encrypted: bool = Field(default=True, description="whether the disks of images are encrypted")
    kms_key: KmsKey | None = Field(default=None, description="with what; by default with the account's own key for EBS")
    instances: dict[Name, InstanceSettings] = Field(default_factory=dict)
    fleets: dict[Name, FleetSettings] = Field(default_factory=dict)
    launch_accounts: list[_Account] = Field(default_factory=list, description="accounts that may launch its images")

    @field_validator("regions", "launch_accounts")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        return each_once(values)

    @model_validator(mode="after")
    def _others_can_read_what_is_shared(self) -> AwsSettings:
        """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html"""
        if self.kms_key is not None and not self.encrypted:
            raise ValueError(f"kms_key: {self.kms_key} is for nothing where `encrypted` is false: remove one of them")
        if self.launch_accounts and self.encrypted and self.kms_key is None:
            raise ValueError(
                "launch_accounts: AWS shares no image that is encrypted with the account's own key for EBS; set "
                "kms_key to the alias of one that those accounts may use, or encrypted to false"
            )
        return self


class ContainerSettings(Model):
    """The containers of a role, and their port on this host."""

    count: int = Field(default=1, ge=0, le=100)
    port: int | None = Field(default=None, ge=1, le=65535, description="the role's own port here; by default any free")

    @model_validator(mode="after")
    def _one_has_the_port(self) -> ContainerSettings:
        if self.port is not None and self.count > 1:
            raise ValueError(f"port {self.port} is for one container: leave it out, and each gets a free one")
        return self


class DockerSettings(Model):
    """Settings for Docker."""

    containers: dict[Name, ContainerSettings] = Field(default_factory=dict)
