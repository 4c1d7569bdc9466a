"""One machine of a role: a droplet that boots the role's image and is told only who it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.catalog import Health
from bakewell.image import tag
from bakewell.user_data import UserData


class RoleDropletArgs(TypedDict):
    """What a RoleDroplet is made from.

    project, role: who it is, as tags.
    image: ID of the image in `region`; another one replaces the droplet.
    region, size: the cloud's slugs.
    ssh_keys: IDs or fingerprints of keys in the account.
    user_data: who it is, as cloud-init reads it; another one replaces the droplet.
    health: where it answers HTTP once it is up, or None.
    """

    project: str
    role: str
    image: pulumi.Input[str]
    region: str
    size: str
    ssh_keys: Sequence[str]
    user_data: UserData
    health: Health | None


class RoleDroplet(pulumi.ComponentResource):
    """A droplet whose replacement leaves no gap: the new one is made before the old one goes.

    That is why it has no explicit name: Pulumi's own starts with `name` and ends in random digits.
    """

    address: pulumi.Output[str]
    url: pulumi.Output[str] | None

    def __init__(self, name: str, args: RoleDropletArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bakewell:index:RoleDroplet", name, {}, opts)
        self.role = args["role"]
        self.droplet = digitalocean.Droplet(
            name,
            image=args["image"],
            region=args["region"],
            size=args["size"],
            ssh_keys=list(args["ssh_keys"]),
            user_data=args["user_data"].render(),
            tags=[tag("project", args["project"]), tag("role", args["role"])],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.address = self.droplet.ipv4_address
        self.url = _url(self.address, args["health"])
        self.register_outputs({})

    def published(self) -> dict[str, object]:
        """The stack output of this machine: see `components.outputs.MachineOutput`."""
        return {"role": self.role, "address": self.address, "url": self.url, "image": self.droplet.image}


def _url(address: pulumi.Output[str], health: Health | None) -> pulumi.Output[str] | None:
    if health is None:
        return None
    return address.apply(lambda ip: f"http://{ip}:{health.port}{health.path}")
