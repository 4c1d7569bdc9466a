"""A role of machines: what its machines start, and the image that they boot.

Nothing of a role changes an image, except what `context.SEEN` lists.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bakewell.catalog.role.boot import Boot, Compose
from bakewell.catalog.role.consul import Consul
from bakewell.reading import Model


class RoleTables(Model):
    """The tables of image.toml that describe machines."""

    boot: Boot = Field(default_factory=Boot)
    consul: Consul | None = None
    compose: Compose | None = None

    @property
    def units(self) -> list[str]:
        """What its machines start: `[boot] services`, and the Compose project's unit, where they don't name it."""
        started = self.boot.services
        return started if self.compose is None or self.compose.unit in started else [*started, self.compose.unit]


class Role(RoleTables):
    """A role of machines.

    Attributes:
        name: of the role; tags of machines and keys of stack config have it.
        image: the name of the image that its machines boot.
        file: the file that describes it.
    """

    name: str
    image: str
    file: Path
