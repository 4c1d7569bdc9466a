"""Addresses of a stack's Consul servers that outlive the servers: a reserved IP for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.user_data import Cluster
from pulumi_bakewell.digitalocean.role_droplet import RoleDroplet


class ConsulServersArgs(TypedDict):
    """What ConsulServers are made from.

    servers: names of the machines that serve.
    region: the cloud's slug of where they run; the datacenter is called so too.
    """

    servers: Sequence[str]
    region: str


class ConsulServers(pulumi.ComponentResource):
    """Where the servers of a stack's Consul cluster are found.

    The addresses are there before the machines. Every machine is told them and nothing of the machines behind, so a
    replaced server changes no other machine's user_data. An address moves to a new server when that is ready: when it
    has joined its predecessors, that is.

    Attributes:
        assignments: what is done when the cluster can be found at its addresses.
    """

    assignments: list[pulumi.Resource]

    def __init__(self, name: str, args: ConsulServersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bakewell:index:ConsulServers", name, {}, opts)
        self._region = args["region"]
        self.assignments = []
        self._addresses = {
            server: digitalocean.ReservedIp(
                f"{server}-address",
                region=args["region"],
                # Which droplet it is assigned to is the assignment's business.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["dropletId"]),
            ).ip_address
            for server in args["servers"]
        }

    def cluster(self, machine: str) -> pulumi.Output[Cluster]:
        """The cluster as `machine` is told of it: of the servers, all but itself."""
        others = [address for server, address in self._addresses.items() if server != machine]
        expect = len(self._addresses)
        return pulumi.Output.all(*others).apply(
            lambda found: Cluster(datacenter=self._region, expect=expect, join=[str(address) for address in found])
        )

    def lead_to(self, servers: Sequence[RoleDroplet]) -> None:
        """Have the servers become ready, and each one's address lead to it then.

        They do so one after the other, once all of them boot, because a new one joins those before it. They leave one
        after the other as well, so that the cluster keeps its quorum.

        Args:
            servers: the machines, in the order of `args`.
        """
        before: list[pulumi.Resource] = [server.droplet for server in servers]
        for number, server in enumerate(servers):
            server.await_ready(before, members=servers[:number])
            before = [*before, server.done]
            self.assignments.append(
                digitalocean.ReservedIpAssignment(
                    f"{server.name}-assignment",
                    ip_address=self._addresses[server.name],
                    droplet_id=server.droplet.id.apply(int),
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[server.done]),
                )
            )
        self.register_outputs({})
