"""The machines of a role on AWS as an auto scaling group, replaced a few at a time when their image changes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from bakewell.catalog import Health
from bakewell.image import NAMESPACE
from bakewell.settings import FleetSettings
from bakewell.user_data import UserData
from pulumi_bakewell import readiness
from pulumi_bakewell.aws.role_instance import HOPS
from pulumi_bakewell.aws.security_group import security_group
from pulumi_bakewell.peers import Peers, rendered

HEALTHY, ROOM = 100, 110
"""Minimum and maximum percentage of the fleet that is in service during a replacement. With room for another machine,
AWS creates the new machine before it deletes the old machine, even in a fleet of one machine."""
WARM_UP = 30
"""Seconds that AWS waits for a new machine before it replaces the next. The default of five minutes is for machines
that install their software at boot."""


class RoleFleetArgs(TypedDict):
    """Inputs of a RoleFleet.

    project, role: the machines' tags.
    image: ID of the AMI; a new ID creates a version of the launch template, and replaces the machines.
    settings: number, type and network of the machines.
    user_data: the machines' user_data for cloud-init.
    peers: role to `<address>:<port>` of each of the role's machines.
    health: the role's health check, or None.
    """

    project: str
    role: str
    image: pulumi.Input[str]
    settings: FleetSettings
    user_data: UserData
    peers: Peers
    health: Health | None


class RoleFleet(pulumi.ComponentResource):
    """A launch template, a group that uses its latest version, and a Command that waits for the group's machines.

    AWS replaces the machines. If `up` is interrupted, AWS continues.
    """

    def __init__(self, name: str, args: RoleFleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bakewell:index:RoleFleet", name, {}, opts)
        self.role = args["role"]
        settings = args["settings"]
        tags = {f"{NAMESPACE}:project": args["project"], f"{NAMESPACE}:role": args["role"]}
        below = pulumi.ResourceOptions(parent=self)
        subnet = settings.subnets[0] if settings.subnets else None
        group = security_group(name, args["health"], settings, subnet, tags, self)
        text = pulumi.Output.from_input(rendered(args["user_data"], "aws", args["peers"]))
        self.template = aws.ec2.LaunchTemplate(
            name,
            image_id=args["image"],
            instance_type=settings.type,
            key_name=settings.key,
            iam_instance_profile=aws.ec2.LaunchTemplateIamInstanceProfileArgs(name=settings.profile)
            if settings.profile
            else None,
            vpc_security_group_ids=[group.id],
            user_data=text.apply(_encoded),
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=HOPS
            ),
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type="instance", tags={**tags, "Name": name})
            ],
            update_default_version=True,
            tags={**tags, "Name": name},
            opts=below,
        )
        self.group = aws.autoscaling.Group(
            name,
            min_size=settings.count,
            max_size=settings.count + 1,
            desired_capacity=settings.count,
            vpc_zone_identifiers=settings.subnets or _default_subnets(settings.type, self),
            launch_template={
                "id": self.template.id,
                "version": self.template.latest_version.apply(str),
            },
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {
                    "min_healthy_percentage": HEALTHY,
                    "max_healthy_percentage": ROOM,
                    "instance_warmup": str(WARM_UP),
                },
            },
            tags=[{"key": key, "value": value, "propagate_at_launch": False} for key, value in tags.items()],
            opts=below,
        )
        self.ready = readiness.command(
            f"{name}-ready",
            "exec bakewell fleet",
            machine=name,
            where={"BAKEWELL_GROUP": self.group.name},
            # A new count adds machines that are not ready yet.
            triggers=[self.group.name, self.template.id, self.template.latest_version, settings.count],
            parent=self,
        )
        self.register_outputs({})

    def published(self) -> dict[str, Any]:
        """The stack output of this fleet: see `pulumi_bakewell.stack.outputs.FleetOutput`."""
        return {"role": self.role, "group": self.group.name, "image": self.template.image_id}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _default_subnets(type_: str, parent: pulumi.Resource) -> pulumi.Output[Sequence[str]]:
    """The subnets of the region's default VPC, one per zone. Zones that do not offer the type are left out: us-east-1e
    offers few types, and a failed launch would fail the group.
    """
    options = pulumi.InvokeOutputOptions(parent=parent)
    of_type = aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[type_])
    offered = aws.ec2.get_instance_type_offerings_output(
        filters=[of_type], location_type="availability-zone", opts=options
    )
    default = aws.ec2.get_vpc_output(default=True, opts=options)

    def subnets(vpc: str, zones: Sequence[str]) -> pulumi.Output[Sequence[str]]:
        wanted = {"vpc-id": [vpc], "default-for-az": ["true"], "availability-zone": sorted(zones)}
        filters = [aws.ec2.GetSubnetsFilterArgs(name=name, values=values) for name, values in wanted.items()]
        return aws.ec2.get_subnets_output(filters=filters, opts=options).ids

    return pulumi.Output.all(default.id, offered.locations).apply(lambda found: subnets(found[0], found[1]))
