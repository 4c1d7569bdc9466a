"""All EC2 instances and fleets of a stack; those that others are told of come first."""

from __future__ import annotations

import pulumi

from bakewell import names
from bakewell.validation import Looked
from pulumi_bakewell import peers
from pulumi_bakewell.aws.provider import provider
from pulumi_bakewell.aws.role_fleet import RoleFleet
from pulumi_bakewell.aws.role_instance import RoleInstance
from pulumi_bakewell.peers import Peers
from pulumi_bakewell.role_machine import Boots, Made
from pulumi_bakewell.stack.session import Session


def make(wanted: Looked, image: Boots, stack: Session, parent: pulumi.Resource) -> Made:
    """The instances by name, and the fleets by role."""
    desired, settings = wanted.desired, wanted.desired.settings
    opts = pulumi.ResourceOptions(parent=parent, provider=provider(stack, parent))
    instances: dict[str, RoleInstance] = {}

    def told(role: str) -> Peers:
        known = [(instance.role, instance.instance.private_ip) for instance in instances.values()]
        return peers.of(desired.catalog, role, known)

    for instance in desired.instances:
        instances[instance.name] = RoleInstance(
            instance.name,
            {
                "project": settings.project,
                "role": instance.role,
                "image": image(instance.role),
                "settings": instance.settings,
                "user_data": instance.user_data,
                "peers": told(instance.role),
                "health": instance.health,
            },
            opts,
        )
    fleets = {}
    for fleet in desired.fleets:
        fleets[fleet.role] = RoleFleet(
            names.of("aws", fleet.role),
            {
                "project": settings.project,
                "role": fleet.role,
                "image": image(fleet.role),
                "settings": fleet.settings,
                "user_data": fleet.user_data,
                "peers": told(fleet.role),
                "health": fleet.health,
            },
            opts,
        )
    return Made(instances, fleets)
