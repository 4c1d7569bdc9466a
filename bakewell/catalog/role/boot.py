"""`[boot]` and `[compose]`: what a role's machines start, and where they answer. Types only.

Nothing here knows how a machine is told (`bakewell.user_data`) or what the image holds (packer/steps).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bakewell.reading import ABSOLUTE_PATH, Model, Name

Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9@._-]+\.(service|socket|timer|target|path)$", max_length=255)]
AbsolutePath = Annotated[str, Field(pattern=ABSOLUTE_PATH, max_length=200)]


class Health(Model):
    """Where a machine answers HTTP with 200 once it is up."""

    port: int = Field(default=80, ge=1, le=65535)
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/"

    def url(self, address: str) -> str:
        """Where the machine at an address answers."""
        return f"http://{address}:{self.port}{self.path}"


class Boot(Model):
    """What a machine made from the image starts, and how to see that it did.

    Attributes:
        peers: roles whose machines it has to find. In a stack with Consul servers it asks Consul; elsewhere user_data
            tells it, in /etc/bakewell/peers/<role>: `<address>:<port of the role's health>`, a line each.
    """

    services: list[Unit] = Field(default_factory=list)
    health: Health | None = None
    peers: list[Name] = Field(default_factory=list)


class Compose(Model):
    """The Compose project that makes the role: /root/docker/<project>, as unit docker-compose@<project>.service."""

    project: Name

    @property
    def unit(self) -> str:
        return f"docker-compose@{self.project}.service"
