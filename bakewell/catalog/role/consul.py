"""`[consul]`: what a role's machines are in Consul. Types only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bakewell.catalog.role.boot import AbsolutePath
from bakewell.reading import KV_PATH, Model, Name
from bakewell.secret_shapes import secret_setting

KvPath = Annotated[str, Field(pattern=KV_PATH, max_length=120)]
Mode = Literal["server", "client"]


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
