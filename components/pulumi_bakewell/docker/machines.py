"""All containers of a stack; those that others are told of come first."""

from __future__ import annotations

import re

import pulumi
from pulumi_command import local

from bakewell import names
from bakewell.validation import Looked
from pulumi_bakewell import peers
from pulumi_bakewell.docker.role_container import RoleContainer
from pulumi_bakewell.role_machine import Boots, Made
from pulumi_bakewell.stack.session import Session


def make(wanted: Looked, image: Boots, stack: Session, parent: pulumi.Resource) -> Made:
    """The containers by name. There is no provider: commands of this project make and remove them."""
    desired = wanted.desired
    key = _key(parent) if desired.containers else ""
    called = pulumi.Output.all(stack.first_name, key).apply("-".join)
    containers: dict[str, RoleContainer] = {}
    for container in desired.containers:
        known = [(other.role, other.address) for other in containers.values()]
        containers[container.name] = RoleContainer(
            container.name,
            {
                "project": desired.settings.project,
                "role": container.role,
                "stack": called,
                "image": image(container.role),
                "settings": container.settings,
                "user_data": container.user_data,
                "peers": peers.of(desired.catalog, container.role, known),
                "health": container.health,
            },
            pulumi.ResourceOptions(parent=parent),
        )
    return Made(containers, {})


def _key(parent: pulumi.Resource) -> pulumi.Output[str]:
    """Six hex digits that tell this stack's containers from those of any other, whatever that is called.

    A command makes them once, and the state keeps them: also of an `up` that failed, and of a program that exports
    nothing. With another key, every container would be replaced.
    """
    made = local.Command(
        names.of("docker", "key"),
        create="key=$(od -An -N3 -tx1 /dev/urandom) && printf %s $key",
        dir=".",
        stdin="",
        environment={},
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        triggers=[],
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["create"]),  # run again, it would make another
    )
    return made.stdout.apply(_checked)


def _checked(key: str) -> str:
    if re.fullmatch("[0-9a-f]{6}", key) is None:
        raise pulumi.RunError(
            "command docker-key, by whose output this stack's containers are called, printed no key\n"
            "  remedy: run `pulumi state delete URN` for it (its URN: pulumi stack --show-urns), then `pulumi up` again"
        )
    return key
