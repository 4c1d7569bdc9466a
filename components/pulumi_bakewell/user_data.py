"""user_data for machines that a program makes itself from an image of Bakewell's."""

from __future__ import annotations

from collections.abc import Sequence

from bakewell.user_data import UserData
from pulumi_bakewell.stack.refusal import refusals


def user_data(role: str, services: Sequence[str] = (), *, cloud: str = "digitalocean") -> str:
    """What a machine is told by cloud-init: who it is, and the systemd units that it starts at each boot.

    Args:
        role: the role of its image.
        services: the units.
        cloud: where it runs, for each takes another length.
    """
    with refusals():
        return UserData.of(role, list(services)).render(cloud=cloud)
