"""Roles of machines: the tables that describe what a role's machines start."""

from bakewell.catalog.role.boot import AbsolutePath, Boot, Compose, Health, Unit
from bakewell.catalog.role.consul import Consul, KvPath, Mode, Watch
from bakewell.catalog.role.role import Role, RoleTables

__all__ = [
    "AbsolutePath",
    "Boot",
    "Compose",
    "Consul",
    "Health",
    "KvPath",
    "Mode",
    "Role",
    "RoleTables",
    "Unit",
    "Watch",
]
