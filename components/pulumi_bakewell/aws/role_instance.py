"""One machine of a role on AWS: an EC2 instance that boots the role's AMI and is told only who it is."""

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
"""With IMDSv2 alone, and not from within containers, no program can be tricked into reading the machine's credentials
by a plain GET."""


class RoleInstanceArgs(TypedDict):
    """What a RoleInstance is made from.

    project, role: who it is, as tags.
    image: ID of the AMI; another one replaces the instance.
    settings: its type, and who may reach it; another type replaces the instance.
    user_data: who it is, as cloud-init reads it; another one replaces the instance.
    peers: `<address>:<port>` of the machines of each role that it is told of.
    health: where it answers HTTP once it is up, or None.
    """

    project: str
    role: str
    image: pulumi.Input[str]
    settings: InstanceSettings
    user_data: UserData
    peers: Peers
    health: Health | None


class RoleInstance(RoleMachine):
    """An instance whose replacement leaves no gap: the new one is made, and is ready, before the old one goes."""

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
            # In place, another type would stop every machine of the role, and all at once.
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["instanceType"]),
        )
        self.image = self.instance.ami
        # In a subnet without public addresses, whoever runs Pulumi has a way to the private one.
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
