"""The security group of a role's machines on AWS: opens the role's port, and SSH if the settings allow it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from bakewell.catalog import Health
from bakewell.settings import Ec2Settings

SSH = 22


def security_group(
    name: str,
    health: Health | None,
    settings: Ec2Settings,
    subnet: str | None,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> aws.ec2.SecurityGroup:
    """The group of one component, in the VPC of `subnet`, or in the region's default VPC.

    Outbound traffic is unrestricted. Machines of a group get no extra access to each other.
    """
    opened = [(health.port, settings.open_to)] if health else []
    opened += [(SSH, settings.ssh_from)] if settings.ssh_from else []
    vpc = (
        aws.ec2.get_subnet_output(id=subnet, opts=pulumi.InvokeOutputOptions(parent=parent)).vpc_id if subnet else None
    )
    return aws.ec2.SecurityGroup(
        name,
        description=f"Bakewell: {name}",
        vpc_id=vpc,
        ingress=[
            {"protocol": "tcp", "from_port": port, "to_port": port, "cidr_blocks": list(blocks)}
            for port, blocks in opened
            if blocks
        ],
        egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
        tags={**tags, "Name": name},
        opts=pulumi.ResourceOptions(parent=parent),
    )
