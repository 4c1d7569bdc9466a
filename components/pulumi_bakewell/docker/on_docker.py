"""What is Docker's own of a stack: its containers; those that others are told of come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from pulumi_bakewell import peers
from pulumi_bakewell.docker.role_container import RoleContainer

if TYPE_CHECKING:
    from pulumi_bakewell.on_cloud import OnCloud


class OnDocker:
    """The containers of a stack. There is no provider: commands of this project make and remove them."""

    def __init__(self, stack: OnCloud) -> None:
        desired = stack.desired
        self._machines: dict[str, RoleContainer] = {}
        for wanted in desired.containers:
            known = [(one.role, one.address) for one in self._machines.values()]
            self._machines[wanted.name] = RoleContainer(
                wanted.name,
                {
                    "project": desired.settings.project,
                    "role": wanted.role,
                    "stack": stack.identity.apply(lambda identity: identity.unique),
                    "image": stack.image_id(wanted.role),
                    "settings": wanted.settings,
                    "user_data": wanted.user_data,
                    "peers": peers.of(desired.catalog, wanted.role, known),
                    "health": wanted.health,
                },
            )

    def settled(self) -> list[pulumi.Resource]:
        return list(self._machines.values())

    def published(self) -> dict[str, dict[str, object]]:
        return {"machines": {name: machine.published() for name, machine in self._machines.items()}}
