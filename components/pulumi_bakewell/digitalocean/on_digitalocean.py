"""What is DigitalOcean's own of a stack: its provider and its droplets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from pulumi_bakewell.digitalocean.droplets import boot
from pulumi_bakewell.digitalocean.provider import provider

if TYPE_CHECKING:
    from pulumi_bakewell.on_cloud import OnCloud


class OnDigitalOcean:
    """The droplets of a stack."""

    def __init__(self, stack: OnCloud) -> None:
        opts = pulumi.ResourceOptions(provider=provider("digitalocean", stack.environment))
        self._machines = boot(stack.desired, stack.image_id, stack.ssh_keys, opts)

    def settled(self) -> list[pulumi.Resource]:
        return list(self._machines.values())

    def published(self) -> dict[str, dict[str, object]]:
        return {"machines": {name: machine.published() for name, machine in self._machines.items()}}
