"""All droplets of a stack: what they are made from, and in which order they become ready."""

from __future__ import annotations

import pulumi

from bakewell import names
from bakewell.desired import Machine
from bakewell.validation import Looked
from pulumi_bakewell import peers
from pulumi_bakewell.digitalocean.consul_servers import ConsulServers
from pulumi_bakewell.digitalocean.limits import droplet_options
from pulumi_bakewell.digitalocean.provider import provider
from pulumi_bakewell.digitalocean.role_droplet import RoleDroplet
from pulumi_bakewell.role_machine import Boots, Made
from pulumi_bakewell.stack.session import Session


def make(wanted: Looked, image: Boots, stack: Session, parent: pulumi.Resource) -> Made:
    """The machines by name; where there are Consul servers among them, the cluster too."""
    desired = wanted.desired
    for remark in desired.remarks:
        pulumi.log.warn(remark)
    settings = desired.settings
    opts = pulumi.ResourceOptions(parent=parent, provider=provider(stack, parent))
    cluster = names.of("digitalocean", "consul")
    consul = (
        ConsulServers(cluster, {"servers": desired.servers, "region": desired.home}, opts) if desired.servers else None
    )
    made: dict[str, RoleDroplet] = {}
    options = droplet_options(names.of("digitalocean", "droplets"))
    order = desired.catalog.peers_first()
    for machine in sorted(desired.machines, key=lambda machine: order.index(machine.role)):
        known = [(droplet.role, droplet.address) for droplet in made.values()]
        made[machine.name] = RoleDroplet(
            machine.name,
            {
                "project": settings.project,
                "role": machine.role,
                "image": image(machine.role),
                "region": desired.home,
                "size": machine.size,
                "ssh_keys": wanted.ssh_keys[machine.role],
                "user_data": machine.user_data,
                "cluster": consul.cluster(machine.name) if consul and machine.user_data.consul else None,
                "peers": peers.of(desired.catalog, machine.role, known),
                "health": machine.health,
                "options": options,
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
    return Made(machines, {})


def _before(machine: Machine, consul: ConsulServers | None) -> list[pulumi.Resource]:
    """A client finds its servers once their addresses lead to them."""
    return consul.assignments if consul and machine.user_data.consul else []
