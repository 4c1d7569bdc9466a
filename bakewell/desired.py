"""The desired state of a stack: its settings and the catalog, combined and checked against each other.

Reads files and the process environment. Calls no cloud and creates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from bakewell import names
from bakewell.bases import Bases
from bakewell.catalog import Catalog, Health
from bakewell.errors import ConfigError
from bakewell.fingerprint import Fingerprint, fingerprints
from bakewell.reading import did_you_mean
from bakewell.settings import ContainerSettings, FleetSettings, InstanceSettings, Settings
from bakewell.user_data import UserData

S = TypeVar("S", InstanceSettings, ContainerSettings)
_LONGEST = 63 - len("-100") - len("-1234567")
"""Characters of a droplet's name without its number and Pulumi's digits: Linux takes 64 for a host's name."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One desired droplet.

    Attributes:
        name: `digitalocean-<role>-<n>`, n from 1.
        size: the cloud's size slug.
        ssh_keys: names, IDs or fingerprints of keys in the account.
        user_data: the machine's user_data, including its part in the stack's Consul cluster.
        health: the role's health check; None for a role without a health check.
    """

    name: str
    role: str
    size: str
    ssh_keys: tuple[str, ...]
    user_data: UserData
    health: Health | None


@dataclass(frozen=True)  # without slots: typing sets an attribute on objects that a generic alias creates
class Numbered(Generic[S]):
    """One desired machine on a cloud without Consul.

    Attributes:
        name: `<cloud>-<role>-<n>`, n from 1.
        user_data: the machine's user_data.
        health: the role's health check; None for a role without a health check.
    """

    name: str
    role: str
    settings: S
    user_data: UserData
    health: Health | None


Instance = Numbered[InstanceSettings]
Container = Numbered[ContainerSettings]


@dataclass(frozen=True, slots=True)
class Fleet:
    """One desired auto scaling group. It has the name of its role."""

    role: str
    settings: FleetSettings
    user_data: UserData
    health: Health | None


@dataclass(frozen=True, slots=True)
class Desired:
    """Images and machines of one stack on one cloud.

    Attributes:
        cloud: "digitalocean", …
        roles: roles to bake, parents first.
        parents: role to its parent role; None for a role on a stock image.
        fingerprints: role to fingerprint, for all of `roles`.
        machines: droplets in the order of the settings, a role's droplets by number; empty on other clouds.
        instances, fleets: EC2 instances and auto scaling groups, peers first.
        containers: Docker containers, peers first.
        remarks: warnings about settings that are allowed but probably not intended, a sentence each.
    """

    cloud: str
    settings: Settings
    catalog: Catalog
    bases: Bases
    roles: tuple[str, ...]
    parents: Mapping[str, str | None]
    fingerprints: Mapping[str, Fingerprint]
    machines: tuple[Machine, ...]
    instances: tuple[Instance, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    containers: tuple[Container, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """The region where images are built and machines run."""
        return self.settings.home(self.cloud)

    @property
    def numbered(self) -> tuple[Machine | Instance | Container, ...]:
        """All numbered machines, on any cloud: all machines except those of fleets."""
        return (*self.machines, *self.instances, *self.containers)

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the stack's Consul servers; empty if the stack has no cluster."""
        return tuple(machine.name for machine in self.machines if machine.user_data.consul == "server")


def read(
    settings: Settings,
    root: Path,
    cloud: str,
    *,
    file: str,
    mirror: Path | None = None,
    now: datetime | None = None,
    catalog: Catalog | None = None,
) -> Desired:
    """Read the catalog under `root`/packer and combine it with the settings.

    Args:
        settings: the stack's config.
        root: the project's folder.
        cloud: the cloud of the images.
        file: the settings' file, for messages.
        mirror: checksums that replace those in bases.lock (`Environment.downloads`).
        now: the time that determines rebuild windows; the current time by default.
        catalog: the catalog, if it was read before.

    Raises:
        ConfigError: the catalog or bases.lock is invalid, or the settings name a role that is not baked.
    """
    packer = root / "packer"
    catalog = catalog or Catalog.load(packer, max_context_mb=settings.max_context_mb)
    check(settings, catalog, file)
    roles = catalog.select(settings.roles)
    bases = Bases.load(packer / "bases.lock", mirror)
    found = fingerprints(
        catalog, cloud, bases, now=now or datetime.now(UTC), roles=settings.roles, encryption=settings.encryption(cloud)
    )
    servers = sum(wanted.count for role, wanted in settings.digitalocean.droplets.items() if _serves(catalog, role))
    machines = tuple(
        Machine(
            name=names.of("digitalocean", f"{role}-{number}"),
            role=role,
            size=wanted.size,
            ssh_keys=tuple(wanted.ssh_keys),
            user_data=UserData.of_role(catalog.role(role), clustered=servers > 0),
            health=catalog.role(role).boot.health,
        )
        for role, wanted in settings.digitalocean.droplets.items()
        for number in range(1, wanted.count + 1)
    )
    fleets = tuple(
        Fleet(role, each, UserData.of_role(catalog.role(role), clustered=False), catalog.role(role).boot.health)
        for role, each in settings.aws.fleets.items()
    )
    instances = _numbered("aws", settings.aws.instances, catalog)
    containers = _numbered("docker", settings.docker.containers, catalog)
    return Desired(
        cloud=cloud,
        settings=settings,
        catalog=catalog,
        bases=bases,
        roles=roles,
        parents={role: catalog[role].parent for role in roles},
        fingerprints=found,
        machines=machines if cloud == "digitalocean" else (),
        instances=instances if cloud == "aws" else (),
        fleets=fleets if cloud == "aws" else (),
        containers=containers if cloud == "docker" else (),
        remarks=tuple(_remarks(servers, file)) if cloud == "digitalocean" else (),
    )


def check(settings: Settings, catalog: Catalog, file: str) -> None:
    """Raise ConfigError for settings that do not match the catalog: roles that are not baked, or unsuitable roles.

    Args:
        file: the settings' file, for messages.
    """
    roles = catalog.select(settings.roles)
    asked: dict[str, Iterable[str]] = {
        "digitalocean.droplets": settings.digitalocean.droplets,
        "aws.instances": settings.aws.instances,
        "aws.fleets": settings.aws.fleets,
        "docker.containers": settings.docker.containers,
        "pins": settings.pins,
    }
    for key, named in asked.items():
        for role in named:
            _check_role(role, roles, f"bakewell:{key}.{role}", file)
    for role in settings.digitalocean.droplets:
        if len(names.of("digitalocean", role)) > _LONGEST:
            raise ConfigError(
                f"bakewell:digitalocean.droplets.{role}: with a number and Pulumi's digits, the names of its droplets "
                "would be too long for a host",
                file=file,
                remedy=f"give the image a name of {_LONGEST - len(names.of('digitalocean', ''))} characters at most",
            )
    for role in (*settings.aws.instances, *settings.aws.fleets, *settings.docker.containers):
        if _serves(catalog, role):
            where = "docker" if role in settings.docker.containers else "aws"
            raise ConfigError(
                f"bakewell:{where}: `{role}` is a Consul server, and a cluster of them is made on DigitalOcean only",
                file=file,
                remedy="remove it; roles find each other by `[boot] peers` in image.toml",
            )
        _check_told(role, catalog, settings, file)
    for role, own in settings.docker.containers.items():
        if own.port is not None and catalog.role(role).boot.health is None:
            raise ConfigError(
                f"bakewell:docker.containers.{role}.port: `{role}` serves nothing: its image.toml has no [boot] health",
                file=file,
                remedy="remove the port, or say in image.toml where machines answer",
            )


def _numbered(cloud: str, wanted: Mapping[str, S], catalog: Catalog) -> tuple[Numbered[S], ...]:
    """The machines sorted by role, peers first."""
    order = catalog.peers_first()
    return tuple(
        Numbered(
            names.of(cloud, f"{role}-{number}"),
            role,
            each,
            UserData.of_role(catalog.role(role), clustered=False),
            catalog.role(role).boot.health,
        )
        for role, each in sorted(wanted.items(), key=lambda item: order.index(item[0]))
        for number in range(1, each.count + 1)
    )


def _serves(catalog: Catalog, role: str) -> bool:
    consul = catalog.role(role).consul
    return consul is not None and consul.mode == "server"


def _check_told(role: str, catalog: Catalog, settings: Settings, file: str) -> None:
    """Refuse fleets as peers: only AWS knows the addresses of a fleet's machines, and changes them at any time."""
    own = settings.aws
    for peer in catalog.role(role).boot.peers:
        if role in {*own.instances, *own.fleets} and peer in own.fleets and peer not in own.instances:
            raise ConfigError(
                f"bakewell:aws: `{role}` has to find `{peer}`, whose machines are a fleet without addresses to tell",
                file=file,
                remedy=f"have `{peer}` under bakewell:aws.instances instead of bakewell:aws.fleets",
            )


def _remarks(servers: int, file: str) -> Iterator[str]:
    if servers and servers % 2 == 0:
        fewer = servers - 1
        yield (
            f"{file}: {servers} Consul servers survive the loss of no more machines than {fewer} would, "
            f"and are likelier to lose one: have {fewer} or {servers + 1}"
        )


def _check_role(role: str, roles: tuple[str, ...], key: str, file: str) -> None:
    if role not in roles:
        raise ConfigError(
            f"{key}: `{role}` is not an image that this stack bakes{did_you_mean(role, roles)}",
            file=file,
            remedy=f"name one of: {', '.join(roles)}; or remove the key",
        )
