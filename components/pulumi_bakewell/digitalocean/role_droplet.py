"""One machine of a role: a droplet that boots the role's image and is told only who it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi_command import local

from bakewell.catalog import Health
from bakewell.image import tag
from bakewell.user_data import Cluster, UserData
from pulumi_bakewell import readiness
from pulumi_bakewell.peers import Peers, rendered
from pulumi_bakewell.role_machine import RoleMachine
from pulumi_bakewell.stack.refusal import refusing


class RoleDropletArgs(TypedDict):
    """What a RoleDroplet is made from.

    project, role: who it is, as tags.
    image: ID of the image in `region`; another one replaces the droplet.
    region, size: the cloud's slugs; another of either replaces the droplet.
    ssh_keys: IDs or fingerprints of keys in the account.
    user_data: who it is, as cloud-init reads it; another one replaces the droplet.
    cluster: the Consul cluster that it is part of, or None.
    peers: `<address>:<port>` of the machines of each role that it is told of.
    health: where it answers HTTP once it is up, or None.
    options: the same for all droplets of a component (`limits.droplet_options`).
    """

    project: str
    role: str
    image: pulumi.Input[str]
    region: str
    size: str
    ssh_keys: Sequence[str]
    user_data: UserData
    cluster: pulumi.Input[Cluster] | None
    peers: Peers
    health: Health | None
    options: pulumi.ResourceOptions


class RoleDroplet(RoleMachine):
    """A droplet whose replacement leaves no gap: the new one is made, and is ready, before the old one goes.

    That is why it has no explicit name: Pulumi's own starts with `name` and ends in random digits. It is complete
    once `await_ready` was called.
    """

    membership: local.Command | None

    def __init__(self, name: str, args: RoleDropletArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("RoleDroplet", name, args["role"], opts)
        self._args = args
        self.droplet = digitalocean.Droplet(
            name,
            image=args["image"],
            region=args["region"],
            size=args["size"],
            ssh_keys=list(args["ssh_keys"]),
            user_data=_rendered(args["user_data"], args["cluster"], args["peers"]),
            tags=[tag("project", args["project"]), tag("role", args["role"])],
            opts=pulumi.ResourceOptions.merge(args["options"], pulumi.ResourceOptions(parent=self)),
        )
        self.image = self.droplet.image
        self.address = self.droplet.ipv4_address
        self.url = readiness.url(self.address, args["health"])
        self.membership = None
        self._where = readiness.where(self.address, None if args["ssh_keys"] else self.url)

    @property
    def done(self) -> pulumi.Resource:
        """What is done when the machine is ready, as far as that can be seen."""
        return self.ready or self.droplet

    def await_ready(self, after: Sequence[pulumi.Resource], members: Sequence[RoleDroplet] = ()) -> None:
        """Have `up` wait until the machine is ready, and fail where it does not get so in time.

        A machine that nobody can log in to and that answers no HTTP is not waited for. One in a Consul cluster leaves
        it before it is deleted, also if it never got ready.

        Args:
            after: what has to be there before it can be ready.
            members: machines of the cluster that leave it after this one, and no two at once.
        """
        args = self._args
        if args["ssh_keys"] and args["cluster"] is not None:
            before = [machine.membership for machine in members if machine.membership]
            # Of its own, for a command that fails to be created is never deleted: what is not ready has joined, maybe.
            self.membership = self._command("membership", "exec true", before, delete="exec bakewell retire")
        if args["ssh_keys"] or args["health"]:
            joined = [self.membership] if self.membership else []
            self.ready = self._command("ready", "exec bakewell ready", [*after, *joined])
            self.ready_seconds = readiness.seconds(self.name, self.ready)
        self.register_outputs({})

    def _command(
        self, suffix: str, create: str, after: Sequence[pulumi.Resource], *, delete: str | None = None
    ) -> local.Command:
        return readiness.command(
            f"{self.name}-{suffix}",
            create,
            machine=self.name,
            where=self._where,
            triggers=[self.droplet.id],
            parent=self,
            after=after,
            delete=delete,
        )


def _rendered(user_data: UserData, cluster: pulumi.Input[Cluster] | None, peers: Peers) -> pulumi.Input[str]:
    if cluster is None:
        return rendered(user_data, "digitalocean", peers)
    return pulumi.Output.from_input(cluster).apply(refusing(user_data.render))
