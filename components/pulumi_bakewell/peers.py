"""Addresses of peers in user_data, for machines without Consul."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from bakewell.catalog import Catalog, Health
from bakewell.user_data import UserData
from pulumi_bakewell.stack.refusal import refusing

Peers = Mapping[str, Sequence[pulumi.Input[str]]]
"""Role -> `<address>:<port>` of each of its machines."""


def of(catalog: Catalog, role: str, known: Sequence[tuple[str, pulumi.Output[str]]]) -> Peers:
    """The peers of a machine of `role`. `known`: role and address of every machine that was created before."""
    return {
        peer: [_at(address, catalog.role(peer).boot.health) for each, address in known if each == peer]
        for peer in catalog.role(role).boot.peers
    }


def rendered(user_data: UserData, cloud: str, peers: Peers) -> pulumi.Input[str]:
    """user_data of a machine that is in no cluster."""
    if not user_data.peers:
        return user_data.render(cloud=cloud)
    known = pulumi.Output.all(**{role: pulumi.Output.all(*found) for role, found in peers.items()})
    return known.apply(refusing(lambda found: user_data.render(cloud=cloud, peers=found)))


def _at(address: pulumi.Output[str], health: Health | None) -> pulumi.Output[str]:
    port = health.port if health else 80
    return address.apply(lambda ip: f"{ip}:{port}")
