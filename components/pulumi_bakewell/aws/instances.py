"""All EC2 instances and fleets of a stack; those that others are told of come first."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from bakewell import names
from bakewell.desired import Desired
from pulumi_bakewell import peers
from pulumi_bakewell.aws.role_fleet import RoleFleet
from pulumi_bakewell.aws.role_instance import RoleInstance
from pulumi_bakewell.peers import Peers


def launch(
    desired: Desired, image: Callable[[str], pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> tuple[dict[str, RoleInstance], dict[str, RoleFleet]]:
    """The instances by name, and the fleets by role.

    Args:
        desired: which there are.
        image: role to the ID of the AMI that its machines boot from.
        opts: for all of them: the provider.
    """
    settings = desired.settings
    instances: dict[str, RoleInstance] = {}

    def told(role: str) -> Peers:
        known = [(one.role, one.instance.private_ip) for one in instances.values()]
        return peers.of(desired.catalog, role, known)

    for wanted in desired.instances:
        instances[wanted.name] = RoleInstance(
            wanted.name,
            {
                "project": settings.project,
                "role": wanted.role,
                "image": image(wanted.role),
                "settings": wanted.settings,
                "user_data": wanted.user_data,
                "peers": told(wanted.role),
                "health": wanted.health,
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
    return instances, fleets
