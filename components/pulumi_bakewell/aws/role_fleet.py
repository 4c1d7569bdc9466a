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
"""Percent of the fleet that is in service at least, and at most, while its machines are replaced: with room for one
more, AWS makes the new machine before the old one goes, also in a fleet of one."""
WARM_UP = 30
"""Seconds that AWS leaves a new machine to itself before it replaces the next. By default these would be five minutes,
for machines that install everything when they boot."""


class RoleFleetArgs(TypedDict):
    """What a RoleFleet is made from.

    project, role: who its machines are, as tags.
    image: ID of the AMI; another one makes a version of the launch template, and replaces the machines.
    settings: how many, of which type, where.
    user_data: who they are, as cloud-init reads it.
    peers: `<address>:<port>` of the machines of each role that they are told of.
    health: where they answer HTTP once they are up, or None.
    """

    project: str
    role: str
    image: pulumi.Input[str]
    settings: FleetSettings
    user_data: UserData
    peers: Peers
    health: Health | None


class RoleFleet(pulumi.ComponentResource):
    """A launch template, a group that follows its latest version, and a command that waits for its machines.

    It is AWS that replaces them. Where `up` ends early, AWS goes on.
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
            # With another count, too, there are machines that were never ready.
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
    """The subnets of the region's default VPC, one a zone; without zones that have no such machines: us-east-1e has
    hardly any, and one launch that fails there would fail the group.
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
