"""All containers of a stack; those that others are told of come first."""

from __future__ import annotations

import pulumi

from bakewell.validation import Looked
from pulumi_bakewell import peers
from pulumi_bakewell.docker.role_container import RoleContainer
from pulumi_bakewell.role_machine import Boots, Made
from pulumi_bakewell.stack.session import Session


def make(wanted: Looked, image: Boots, stack: Session, parent: pulumi.Resource) -> Made:
    """The containers by name. There is no provider: commands of this project make and remove them."""
    desired = wanted.desired
    containers: dict[str, RoleContainer] = {}
    for container in desired.containers:
        known = [(other.role, other.address) for other in containers.values()]
        containers[container.name] = RoleContainer(
            container.name,
            {
                "project": desired.settings.project,
                "role": container.role,
                "stack": stack.identity.apply(lambda identity: identity.unique),
                "image": image(container.role),
                "settings": container.settings,
                "user_data": container.user_data,
                "peers": peers.of(desired.catalog, container.role, known),
                "health": container.health,
            },
            pulumi.ResourceOptions(parent=parent),
        )
    return Made(containers, {})
