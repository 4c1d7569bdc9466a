"""All machines of a stack: what they are made from, and in which order they become ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pulumi

from bakewell.desired import Desired, Machine
from pulumi_bakewell import peers
from pulumi_bakewell.digitalocean.consul_servers import ConsulServers
from pulumi_bakewell.digitalocean.limits import remedy
from pulumi_bakewell.digitalocean.role_droplet import RoleDroplet


def boot(
    desired: Desired,
    image: Callable[[str], pulumi.Input[str]],
    ssh_keys: Mapping[str, Sequence[str]],
    opts: pulumi.ResourceOptions,
) -> dict[str, RoleDroplet]:
    """The machines by name; where there are Consul servers among them, the cluster too.

    Args:
        desired: which there are.
        image: role to the ID that its machines boot from.
        ssh_keys: role to the keys that may log in, as the cloud takes them.
        opts: for all of them: the provider.
    """
    for remark in desired.remarks:
        pulumi.log.warn(remark)
    settings = desired.settings
    consul = (
        ConsulServers("consul", {"servers": desired.servers, "region": desired.home}, opts) if desired.servers else None
    )
    made: dict[str, RoleDroplet] = {}
    failing = remedy()
    order = desired.catalog.peers_first()
    for machine in sorted(desired.machines, key=lambda one: order.index(one.role)):
        made[machine.name] = RoleDroplet(
            machine.name,
            {
                "project": settings.project,
                "role": machine.role,
                "image": image(machine.role),
                "region": desired.home,
                "size": machine.size,
                "ssh_keys": ssh_keys[machine.role],
                "user_data": machine.user_data,
                "cluster": consul.cluster(machine.name) if consul and machine.user_data.consul else None,
                "peers": peers.of(desired.catalog, machine.role, [(one.role, one.address) for one in made.values()]),
                "health": machine.health,
                "remedy": failing,
            },
            opts,
        )
    machines = {machine.name: made[machine.name] for machine in desired.machines}
    if consul:
        consul.lead_to([machines[name] for name in desired.servers])
    for machine in desired.machines:
        if machine.name not in desired.servers:
            servers = [machines[name] for name in desired.servers]
            machines[machine.name].await_ready(_before(machine, consul), members=servers)
    return machines


def _before(machine: Machine, consul: ConsulServers | None) -> list[pulumi.Resource]:
    """A client finds its servers once their addresses lead to them."""
    return consul.assignments if consul and machine.user_data.consul else []
