"""The part of a machine's component that is the same on every cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi
from pulumi_command import local


class RoleMachine(pulumi.ComponentResource):
    """The part of RoleDroplet, RoleInstance and RoleContainer that does not depend on the cloud.

    Attributes:
        image: ID of the machine's image.
        address: IP address of the machine.
        url: URL of the health check; None for a role without a health check.
        ready: the Command that waits for the machine; None for a machine that is not waited for.
        ready_seconds: seconds from boot until the machine was ready; None without SSH login.
    """

    image: pulumi.Output[str]
    address: pulumi.Output[str]
    url: pulumi.Output[str] | None
    ready: local.Command | None
    ready_seconds: pulumi.Output[float | None]

    def __init__(self, kind: str, name: str, role: str, opts: pulumi.ResourceOptions | None) -> None:
        """`kind`: the last part of the component's type."""
        super().__init__(f"bakewell:index:{kind}", name, {}, opts)
        self.name = name
        self.role = role
        self.url = None
        self.ready = None
        self.ready_seconds = pulumi.Output.from_input(None)

    def published(self) -> dict[str, Any]:
        """The stack output of this machine: see `pulumi_bakewell.stack.outputs.MachineOutput`."""
        return {
            "role": self.role,
            "address": self.address,
            "url": self.url,
            "image": self.image,
            "ready_seconds": self.ready_seconds,
        }


Boots = Callable[[str], pulumi.Output[str]]
"""Role -> ID of the image that its machines boot from."""


class Published(Protocol):
    """A machine or fleet with an entry in the stack's outputs."""

    def published(self) -> dict[str, Any]:
        """The entry."""


@dataclass(frozen=True, slots=True)
class Made:
    """The machines of a stack on one cloud: instances and the like by name, fleets by role."""

    machines: Mapping[str, Published]
    fleets: Mapping[str, Published]
