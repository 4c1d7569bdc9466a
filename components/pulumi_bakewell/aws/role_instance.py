"""One machine of a role on AWS: an EC2 instance that boots the role's AMI."""

from __future__ import annotations

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from bakewell.catalog import Health
from bakewell.image import NAMESPACE
from bakewell.settings import InstanceSettings
from bakewell.user_data import UserData
from pulumi_bakewell import readiness
from pulumi_bakewell.aws.security_group import security_group
from pulumi_bakewell.peers import Peers, rendered
from pulumi_bakewell.role_machine import RoleMachine

HOPS = 1
"""One hop keeps containers from IMDS. Together with IMDSv2, no program can be tricked into reading the machine's
credentials by a plain GET."""


class RoleInstanceArgs(TypedDict):
    """Inputs of a RoleInstance. A change of image, type or user_data replaces the instance.

    project, role: the instance's tags.
    image: ID of the AMI.
    settings: type and network access of the instance.
    user_data: the machine's user_data for cloud-init.
    peers: role to `<address>:<port>` of each of the role's machines.
    health: the role's health check, or None.
    """

    project: str
    role: str
    image: pulumi.Input[str]
    settings: InstanceSettings
    user_data: UserData
    peers: Peers
    health: Health | None


class RoleInstance(RoleMachine):
    """An instance that is replaced without downtime: the new instance is ready before the old instance is deleted."""

    def __init__(self, name: str, args: RoleInstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("RoleInstance", name, args["role"], opts)
        settings = args["settings"]
        tags = {f"{NAMESPACE}:project": args["project"], f"{NAMESPACE}:role": args["role"]}
        group = security_group(name, args["health"], settings, settings.subnet, tags, self)
        self.instance = aws.ec2.Instance(
            name,
            ami=args["image"],
            instance_type=settings.type,
            key_name=settings.key,
            iam_instance_profile=settings.profile,
            subnet_id=settings.subnet,
            vpc_security_group_ids=[group.id],
            user_data=rendered(args["user_data"], "aws", args["peers"]),
            user_data_replace_on_change=True,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=HOPS
            ),
            tags={**tags, "Name": name},
            # A change of type in place would stop all machines of the role at once.
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["instanceType"]),
        )
        self.image = self.instance.ami
        # In a subnet without public addresses, the host that runs Pulumi must reach the private address.
        self.address = pulumi.Output.all(self.instance.public_ip, self.instance.private_ip).apply(
            lambda found: str(found[0] or found[1])
        )
        self.url = readiness.url(self.address, args["health"])
        if (args["health"] and settings.open_to) or settings.login:
            self.ready = readiness.command(
                f"{name}-ready",
                "exec bakewell ready",
                machine=name,
                where=readiness.where(self.address, None if settings.login else self.url),
                triggers=[self.instance.id],
                parent=self,
            )
            self.ready_seconds = readiness.seconds(name, self.ready)
        self.register_outputs({})
