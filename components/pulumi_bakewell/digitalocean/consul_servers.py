"""Reserved IPs of a stack's Consul servers, which outlive the servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.user_data import Cluster
from pulumi_bakewell.digitalocean.role_droplet import RoleDroplet


class ConsulServersArgs(TypedDict):
    """Inputs of ConsulServers.

    servers: names of the server machines.
    region: slug of the servers' region, also the name of Consul's datacenter.
    """

    servers: Sequence[str]
    region: str


class ConsulServers(pulumi.ComponentResource):
    """The addresses of a stack's Consul servers.

    The addresses are created before the machines. Only the addresses are in user_data, so a replaced server does not
    change the user_data of other machines. An address moves to a new server when the server is ready, that is, when it
    has joined its predecessors.

    Attributes:
        assignments: resources that exist when the addresses lead to the cluster.
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
                # The assignment sets the droplet.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["dropletId"]),
            ).ip_address
            for server in args["servers"]
        }

    def cluster(self, machine: str) -> pulumi.Output[Cluster]:
        """The cluster for the user_data of `machine`: all servers except `machine` itself."""
        others = [address for server, address in self._addresses.items() if server != machine]
        expect = len(self._addresses)
        return pulumi.Output.all(*others).apply(
            lambda found: Cluster(datacenter=self._region, expect=expect, join=[str(address) for address in found])
        )

    def lead_to(self, servers: Sequence[RoleDroplet]) -> None:
        """Wait until the servers are ready, and assign each server's address to it.

        The servers become ready one at a time, after all of them were created, because a new server joins the servers
        before it. They also leave one at a time, so that the cluster keeps its quorum.

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
