"""One machine of a role on DigitalOcean: a droplet that boots the role's image."""

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
    """Inputs of a RoleDroplet. A change of image, region, size, ssh_keys or user_data replaces the droplet.

    project, role: the droplet's tags.
    image: ID of the image in `region`.
    region, size: the cloud's slugs.
    ssh_keys: IDs or fingerprints of keys in the account.
    user_data: the machine's user_data for cloud-init.
    cluster: the machine's Consul cluster, or None.
    peers: role to `<address>:<port>` of each of the role's machines.
    health: the role's health check, or None.
    options: shared by all droplets of a component (`limits.droplet_options`).
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
    """A droplet that is replaced without downtime: the new droplet is ready before the old droplet is deleted.

    For this reason the droplet has no explicit name: Pulumi generates a name from `name` and random digits. The
    component is complete after `await_ready` was called.
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
        """The resource that is created when the machine is ready: `ready`, or the droplet if nothing waits for it."""
        return self.ready or self.droplet

    def await_ready(self, after: Sequence[pulumi.Resource], members: Sequence[RoleDroplet] = ()) -> None:
        """Make `up` wait until the machine is ready, and fail if it is not ready in time.

        `up` does not wait for a machine without SSH login and health check. A machine in a Consul cluster leaves the
        cluster before it is deleted, even if it was never ready.

        Args:
            after: resources that the machine needs to become ready.
            members: machines of the cluster that leave it after this machine, one at a time.
        """
        args = self._args
        if args["ssh_keys"] and args["cluster"] is not None:
            before = [machine.membership for machine in members if machine.membership]
            # A separate Command: Pulumi never runs `delete` for a resource whose create failed, and a machine that is
            # not ready may already have joined the cluster.
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
