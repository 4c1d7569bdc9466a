"""user_data for machines that a program creates itself from an image of Bakewell."""

from __future__ import annotations

from collections.abc import Sequence

from bakewell.user_data import UserData
from pulumi_bakewell.stack.refusal import refusals


def user_data(role: str, services: Sequence[str] = (), *, cloud: str = "digitalocean") -> str:
    """user_data of a machine: its role, and the systemd units that it starts at each boot.

    Args:
        role: role of the machine's image.
        services: names of the units.
        cloud: the machine's cloud, which limits the length of the text.
    """
    with refusals():
        return UserData.of(role, list(services)).render(cloud=cloud)
