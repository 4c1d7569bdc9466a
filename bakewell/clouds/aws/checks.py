"""What AWS can tell before anything is made: that a build cannot begin, that a machine would have nowhere to be."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bakewell.clouds.aws.api import Clients, asking
from bakewell.clouds.aws.regions import not_enabled
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean

if TYPE_CHECKING:
    from bakewell.settings import AwsSettings
    from bakewell.settings.clouds import Ec2Settings


def stack(clients: Clients, settings: AwsSettings, enabled: Collection[str], keys: Collection[str]) -> None:
    """Raise ConfigError for what the settings name and the account has not.

    Args:
        enabled: the account's regions.
        keys: names of its key pairs in the stack's first region.
    """
    for region in settings.regions:
        if region not in enabled:
            raise not_enabled(region, enabled)
    home = settings.regions[0]
    named: dict[str, str] = {}
    """Subnet -> the setting that names it."""
    unset: list[str] = []
    asked: list[tuple[str, Ec2Settings, str, list[str]]] = [
        (f"instances.{role}", one, "subnet", [one.subnet] if one.subnet else [])
        for role, one in settings.instances.items()
    ]
    asked += [(f"fleets.{role}", one, "subnets", one.subnets) for role, one in settings.fleets.items()]
    for where, each, setting, subnets in asked:
        if not each.count:
            continue
        key = f"bakewell:aws.{where}.{setting}"
        named |= {subnet: key for subnet in subnets if subnet not in named}
        if not subnets:
            unset.append(key)
        if each.key is not None and each.key not in keys:
            raise ConfigError(
                f"bakewell:aws.{where}.key: there is no key pair `{each.key}` in {home}"
                f"{did_you_mean(each.key, sorted(keys))}",
                remedy=f"name one of: {', '.join(sorted(keys)) or 'none is there'}; or import it to the account",
            )
    if unset:
        default_vpc(clients, home, unset[0])
    if named:
        _subnets(clients, home, named)


def default_vpc(clients: Clients, region: str, key: str) -> None:
    """Raise ConfigError where the region has none, so that the setting `key` has to say where machines are."""
    with asking(f"list networks in {region}"):
        found = clients.ec2(region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    if not found["Vpcs"]:
        raise ConfigError(
            f"region {region} has no default VPC, and {key} is not set",
            remedy=f"pulumi config set --path '{key}{'[0]' if key.endswith('s') else ''}' subnet-…",
        )


def _subnets(clients: Clients, region: str, named: dict[str, str]) -> None:
    with asking(f"list subnets in {region}"):
        pages = clients.ec2(region).get_paginator("describe_subnets").paginate()
        known = {subnet["SubnetId"] for page in pages for subnet in page["Subnets"]}
    for subnet, key in named.items():
        if subnet not in known:
            raise ConfigError(
                f"{key}: there is no subnet {subnet} in {region}",
                remedy=f"name one of: {', '.join(sorted(known)) or 'none is there'}",
            )
