"""Where a stack's images are built in its accounts: a part of `Settings`.

Nothing here says what an image holds, so nothing here is part of a fingerprint: the same image comes of a builder in
another subnet, of another type, or behind a bastion. What an image needs of its builder (memory, processors, disk) is
stated in image.toml.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from bakewell.reading import Model, each_once
from bakewell.settings.clouds import Cidr, InstanceType, Subnet

_WIDEST = 8
"""Bits of the prefix of the widest block, alone or together with its neighbours: 10.0.0.0/8 is a network of its own."""

_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$")]
_User = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
_Group = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]+$")]
_Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_TagKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Bastion(Model):
    """A machine through which builders are reached; BAKEWELL_BASTION_KEY names the file of the key that it takes."""

    host: _Host
    user: _User = "root"
    port: int = Field(default=22, ge=1, le=65535)


class DigitalOceanBuilder(Model):
    """Builders on DigitalOcean. Their size follows from image.toml, because its disk becomes the image's."""

    vpc: _Uuid | None = Field(default=None, description="ID of their VPC; by default the region's")
    address: Literal["public", "private"] = Field(default="public", description="where this host reaches them")
    bastion: Bastion | None = None


class AwsBuilder(Model):
    """Builders on AWS."""

    type: InstanceType | None = Field(default=None, description="by default the cheapest that image.toml allows")
    subnet: Subnet | dict[_TagKey, str] | None = Field(
        default=None, description="an ID, or tags that it carries; by default in the default VPC"
    )
    security_group: _Group | None = Field(default=None, description="by default each builder has its own")
    profile: str | None = Field(default=None, min_length=1, description="instance profile, by name")
    spot: bool = False
    address: Literal["public", "private", "session-manager"] = Field(
        default="public", description="how this host reaches them"
    )
    ssh_from: list[Cidr] = Field(
        default_factory=list, description="who may reach port 22; by default this host's public address"
    )
    bastion: Bastion | None = None

    @field_validator("ssh_from")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        for block in ipaddress.collapse_addresses(map(ipaddress.IPv4Network, values)):
            if block.prefixlen < _WIDEST:
                raise ValueError(
                    f"{block} opens port 22 of a builder to much of the internet: name the blocks that builds run in, "
                    f"none wider than /{_WIDEST}"
                )
        return each_once(values)

    @field_validator("subnet")
    @classmethod
    def _tags_are_there(cls, value: object) -> object:
        if value == {}:
            raise ValueError("an empty mapping names no subnet: give its tags, or its ID")
        return value

    @model_validator(mode="after")
    def _fits(self) -> AwsBuilder:
        tunnel = self.address == "session-manager"
        if tunnel and self.profile is None:
            raise ValueError("address: session-manager needs a `profile` with AmazonSSMManagedInstanceCore")
        if tunnel and self.bastion is not None:
            raise ValueError("bastion: Session Manager needs none: remove `bastion`, or choose another `address`")
        if self.ssh_from and (tunnel or self.security_group is not None):
            why = "Session Manager opens no port" if tunnel else f"the rules of {self.security_group} are yours"
            raise ValueError(f"ssh_from: {why}: remove `ssh_from`")
        inside = self.address == "private" or self.bastion is not None
        if inside and not self.ssh_from and self.security_group is None:
            raise ValueError(
                "ssh_from: this host's public address is not the one that a private builder sees: name the blocks that "
                "SSH comes from, such as the VPC's, or a `security_group` of yours"
            )
        return self


class BuilderSettings(Model):
    """Where images are built, by cloud. A builder on Docker is a container of this host, which needs no settings."""

    digitalocean: DigitalOceanBuilder = Field(default_factory=DigitalOceanBuilder)
    aws: AwsBuilder = Field(default_factory=AwsBuilder)

    def bastion(self, cloud: str) -> Bastion | None:
        """The bastion of a cloud's builders."""
        return {"digitalocean": self.digitalocean.bastion, "aws": self.aws.bastion}.get(cloud)
