"""What image.toml says of the machines made from an image: what they start, where they answer, what Consul has of them.

Types only. Nothing here knows how a machine is told (`bakewell.user_data`) or what the image holds (packer/steps).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bakewell.reading import ABSOLUTE_PATH, KV_PATH, Model, Name
from bakewell.secret_shapes import secret_setting

Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9@._-]+\.(service|socket|timer|target|path)$", max_length=255)]
AbsolutePath = Annotated[str, Field(pattern=ABSOLUTE_PATH, max_length=200)]
KvPath = Annotated[str, Field(pattern=KV_PATH, max_length=120)]
Mode = Literal["server", "client"]


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


class Watch(Model):
    """A file that consul-template keeps in line with Consul.

    Attributes:
        source: the template, baked into the image.
        destination: what is rendered from it.
        command: run after each change, by a shell; no secret.
    """

    source: AbsolutePath
    destination: AbsolutePath
    command: Annotated[str, Field(pattern=r"^[ -~]+$", max_length=200)] | None = None

    @field_validator("command")
    @classmethod
    def _no_secret(cls, command: str | None) -> str | None:
        if command and (why := secret_setting("command", command)):
            raise ValueError(f"{why}; it would be in user_data: have the command read it on the machine")
        return command


class Consul(Model):
    """What machines of the role are in Consul, in a stack that has Consul servers; elsewhere they do without it.

    Attributes:
        mode: `server` for the servers themselves.
        service: the name their service is registered under; the role's where it is not given. Port and check are
            those of `[boot] health`.
        environment: a prefix of Consul's KV; the keys below it are written to /etc/bakewell/environment, a
            `KEY=value` line each, readable by root only, and the role's units are restarted when one changes.
        watches: files that follow Consul.
    """

    mode: Mode = "client"
    service: Name | None = None
    environment: KvPath | None = None
    watches: list[Watch] = Field(default_factory=list)


class Compose(Model):
    """The Compose project that makes the role: /root/docker/<project>, as unit docker-compose@<project>.service."""

    project: Name

    @property
    def unit(self) -> str:
        return f"docker-compose@{self.project}.service"
