"""What AWS can tell before anything is made: that a build cannot begin, that a machine would have nowhere to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.api import Clients, unless_gone
from bakewell.clouds.aws.builders import key_pairs
from bakewell.clouds.aws.regions import Regions, not_enabled
from bakewell.clouds.facts import Arch
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean

if TYPE_CHECKING:
    from bakewell.settings import AwsSettings, Settings
    from bakewell.settings.builders import AwsBuilder
    from bakewell.settings.clouds import Ec2Settings


class StackChecks:
    """What an account has of what a stack names."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def check(self, settings: Settings, arches: Mapping[str, Arch]) -> None:
        regions, asked = self._regions, settings.aws.instances or settings.aws.fleets
        keys = [key.name for key in key_pairs(regions.clients, regions.home)] if asked else []
        stack(regions.clients, settings.aws, regions.enabled(), keys, arches)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for of one role: an entry of `instances` or `fleets`.

    Attributes:
        role: whose machines they are.
        key: where its settings are: bakewell:aws.instances.web.
        subnet: the setting that says where its machines are.
    """

    role: str
    key: str
    settings: Ec2Settings
    subnet: str
    subnets: list[str]


def stack(
    clients: Clients,
    settings: AwsSettings,
    enabled: Collection[str],
    keys: Collection[str],
    arches: Mapping[str, Arch],
) -> None:
    """Raise ConfigError for what the settings name and the account has not.

    Args:
        enabled: the account's regions.
        keys: names of its key pairs in the stack's first region.
        arches: role to the processors that its image is for.
    """
    for region in settings.regions:
        if region not in enabled:
            raise not_enabled(region, enabled)
    if settings.kms_key is not None:
        for region in settings.regions:
            _kms_key(clients, region, settings.kms_key)
    home = settings.regions[0]
    asked = [one for one in _asked(settings) if one.settings.count]
    for one in asked:
        key = one.settings.key
        if key is not None and key not in keys:
            raise ConfigError(
                f"{one.key}.key: there is no key pair `{key}` in {home}{did_you_mean(key, sorted(keys))}",
                remedy=f"name one of: {', '.join(sorted(keys)) or 'none is there'}; or import it to the account",
            )
    _types(clients, home, asked, arches)
    for one in asked:
        if one.settings.profile is not None:
            _profile(clients, home, one.key, one.settings.profile)
    if unset := [f"{one.key}.{one.subnet}" for one in asked if not one.subnets]:
        default_vpc(clients, home, unset[0])
    _subnets(clients, home, asked)


def builder(clients: Clients, region: str, wanted: AwsBuilder, arch: Arch) -> None:
    """Raise ConfigError where a machine that builds would have no network, or is of a type that the region has not."""
    if wanted.type is not None:
        known_types = _known_types(clients, region, {wanted.type})
        _check_type(known_types, region, "bakewell:builders.aws", wanted.type, arch)
    if wanted.profile is not None:
        _profile(clients, region, "bakewell:builders.aws", wanted.profile)
    key = "bakewell:builders.aws.subnet"
    if wanted.subnet is None:
        default_vpc(clients, region, key)
    elif isinstance(wanted.subnet, str):
        if wanted.subnet not in (known := _networks(clients, region)):
            raise _no_subnet(key, wanted.subnet, region, known)
    else:
        filters = [{"Name": f"tag:{name}", "Values": [value]} for name, value in wanted.subnet.items()]
        pages = clients.pages(region, calls.SUBNETS, f"list subnets in {region}", Filters=filters)
        if not any(page.subnets for page in pages):
            tags = ", ".join(f"{name}={value}" for name, value in wanted.subnet.items())
            raise ConfigError(
                f"{key}: no subnet in {region} carries {tags}",
                remedy=f"correct the tags, or give the subnet's ID: aws ec2 describe-subnets --region {region}",
            )


def default_vpc(clients: Clients, region: str, key: str) -> None:
    """Raise ConfigError where the region has none, so that the setting `key` has to say where machines are."""
    wanted = [{"Name": "is-default", "Values": ["true"]}]
    if not clients.ask(region, calls.VPCS, f"list networks in {region}", Filters=wanted).vpcs:
        raise ConfigError(
            f"region {region} has no default VPC, and {key} is not set",
            remedy=f"pulumi config set --path '{key}{'[0]' if key.endswith('s') else ''}' subnet-…",
        )


def _asked(settings: AwsSettings) -> Iterator[_Asked]:
    for role, one in settings.instances.items():
        yield _Asked(role, f"bakewell:aws.instances.{role}", one, "subnet", [one.subnet] if one.subnet else [])
    for role, each in settings.fleets.items():
        yield _Asked(role, f"bakewell:aws.fleets.{role}", each, "subnets", each.subnets)


def _kms_key(clients: Clients, region: str, alias: str) -> None:
    """A key that the region does not have, or that encrypts nothing: disabled, or about to be deleted."""
    found = None
    with unless_gone(alias):
        found = clients.ask(region, calls.KMS_KEY, f"look at KMS key {alias} in {region}", KeyId=alias).key_metadata
    if found is None:
        raise ConfigError(
            f"bakewell:aws.kms_key: there is no {alias} in {region}",
            remedy=f"give a key there that name (aws kms create-alias --region {region}), or name another: "
            "every region of bakewell:aws.regions has to have it",
        )
    if (state := found.key_state) != "Enabled":
        raise ConfigError(
            f"bakewell:aws.kms_key: {alias} in {region} encrypts nothing, it is {state}",
            remedy="enable the key (or cancel its deletion), or point the alias at another (aws kms update-alias)",
        )


def _types(clients: Clients, region: str, asked: list[_Asked], arches: Mapping[str, Arch]) -> None:
    """Types that the region does not have, or whose processors are others than the images are for."""
    if not asked:
        return
    known = _known_types(clients, region, {one.settings.type for one in asked})
    for one in asked:
        _check_type(known, region, one.key, one.settings.type, arches.get(one.role, "x86_64"))


def _known_types(clients: Clients, region: str, wanted: Collection[str]) -> dict[str, Sequence[str]]:
    """The types of the families of `wanted` that the region has: name -> architectures."""
    families = sorted({f"{name.partition('.')[0]}.*" for name in wanted})
    wanted_types = [{"Name": "instance-type", "Values": families}]
    pages = clients.pages(region, calls.INSTANCE_TYPES, f"list instance types in {region}", Filters=wanted_types)
    return {
        type_.instance_type: type_.processor_info.supported_architectures
        for page in pages
        for type_ in page.instance_types
    }


def _check_type(known: Mapping[str, Sequence[str]], region: str, key: str, wanted: str, arch: Arch) -> None:
    """A type that the region does not have, or whose processors are others than the image is for."""
    if wanted not in known:
        meant = did_you_mean(wanted, sorted(known))
        raise ConfigError(
            f"{key}.type: there is no instance type {wanted} in {region}{meant}",
            remedy=f"aws ec2 describe-instance-type-offerings --region {region} lists those that there are",
        )
    if arch not in known[wanted]:
        other = "of Intel or AMD, such as t3.small" if arch == "x86_64" else "of Arm, such as t4g.small"
        raise ConfigError(
            f"{key}.type: {wanted} runs {', '.join(known[wanted])}, and the image is for {arch}",
            remedy=f"name a type with processors {other}",
        )


def _profile(clients: Clients, region: str, key: str, profile: str) -> None:
    found = None
    with unless_gone(profile):
        what = f"look at instance profile {profile}"
        found = clients.ask(region, calls.PROFILE, what, InstanceProfileName=profile)
    if found is None:
        raise ConfigError(
            f"{key}.profile: the account has no instance profile `{profile}`",
            remedy="name a profile, not a role: `aws iam list-instance-profiles` lists them",
        )


def _subnets(clients: Clients, region: str, asked: list[_Asked]) -> None:
    """Subnets that are not there, and fleets that are to be in several networks at once."""
    if not any(one.subnets for one in asked):
        return
    known = _networks(clients, region)
    for one in asked:
        key = f"{one.key}.{one.subnet}"
        for subnet in one.subnets:
            if subnet not in known:
                raise _no_subnet(key, subnet, region, known)
        if len(networks := sorted({known[subnet] for subnet in one.subnets})) > 1:
            together = sorted(subnet for subnet, network in known.items() if network == networks[0])
            raise ConfigError(
                f"{key}: these subnets are in {len(networks)} VPCs: {', '.join(networks)}",
                remedy=f"name subnets of one VPC, such as {', '.join(together)}",
            )


def _networks(clients: Clients, region: str) -> dict[str, str]:
    """Subnet -> its VPC: the account's own, and those that others share with it."""
    pages = clients.pages(region, calls.SUBNETS, f"list subnets in {region}")
    return {subnet.subnet_id: subnet.vpc_id for page in pages for subnet in page.subnets}


def _no_subnet(key: str, subnet: str, region: str, known: Collection[str]) -> ConfigError:
    return ConfigError(
        f"{key}: there is no subnet {subnet} in {region}",
        remedy=f"name one of: {', '.join(sorted(known)) or 'none is there'}",
    )
