"""What a stack wants: its settings and the catalog, brought together and checked against each other.

Reads files and the process environment; asks no cloud and creates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakewell.bases import Bases
from bakewell.catalog import Catalog, Health
from bakewell.errors import ConfigError
from bakewell.fingerprint import Fingerprint, fingerprints
from bakewell.reading import did_you_mean
from bakewell.settings import Settings


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine that the stack wants.

    Attributes:
        name: `<role>-<n>`, n from 1.
        size: the cloud's size slug.
        ssh_keys: IDs or fingerprints of keys in the account.
        services: systemd units that it starts at boot.
        health: where it answers HTTP once it is up; None for a role that does not.
    """

    name: str
    role: str
    size: str
    ssh_keys: tuple[str, ...]
    services: list[str]
    health: Health | None


@dataclass(frozen=True, slots=True)
class Desired:
    """Images and machines of one stack.

    Attributes:
        roles: roles to bake, parents first.
        parents: role to the role it is built on; None for one built on a stock base.
        fingerprints: by role; all of `roles`.
        machines: by name.
    """

    settings: Settings
    catalog: Catalog
    bases: Bases
    roles: tuple[str, ...]
    parents: Mapping[str, str | None]
    fingerprints: Mapping[str, Fingerprint]
    machines: tuple[Machine, ...]


def read(settings: Settings, root: Path, cloud: str, *, file: str, now: datetime | None = None) -> Desired:
    """Read the catalog under `root`/packer and fit the settings to it.

    Args:
        settings: the stack's config.
        root: the project's folder.
        cloud: which cloud the images are for.
        file: the settings' file, for messages.
        now: decides rebuild windows; the present by default.

    Raises:
        ConfigError: anything wrong with the catalog or bases.lock; a role in the settings that is not baked.
    """
    packer = root / "packer"
    catalog = Catalog.load(packer, max_context_mb=settings.max_context_mb)
    roles = catalog.select(settings.roles)
    for key, named in (("machines", settings.machines), ("pins", settings.pins)):
        for role in named:
            _check_role(role, roles, f"bakewell:{key}.{role}", file)
    bases = Bases.load(packer / "bases.lock")
    found = fingerprints(catalog, cloud, bases, now=now or datetime.now(UTC), roles=settings.roles)
    machines = tuple(
        Machine(
            name=f"{role}-{number}",
            role=role,
            size=wanted.size,
            ssh_keys=tuple(wanted.ssh_keys),
            services=catalog[role].boot.services,
            health=catalog[role].boot.health,
        )
        for role, wanted in settings.machines.items()
        for number in range(1, wanted.count + 1)
    )
    return Desired(
        settings=settings,
        catalog=catalog,
        bases=bases,
        roles=roles,
        parents={role: catalog[role].parent for role in roles},
        fingerprints=found,
        machines=machines,
    )


def _check_role(role: str, roles: tuple[str, ...], key: str, file: str) -> None:
    if role not in roles:
        raise ConfigError(
            f"{key}: `{role}` is not an image that this stack bakes{did_you_mean(role, roles)}",
            file=file,
            remedy=f"name one of: {', '.join(roles)}; or remove the key",
        )
