"""The stack's outputs: an API that other stacks, and this stack's own next run, read.

    bakewell:  {cloud: {images:    {role: {ids: {region: id}, name, fingerprint, attempt, parent, run}},
                        retention: {key},
                        identity:  {name}}}
    machines:  {name: {role, address, url, image, ready_seconds}}
    fleets:    {role: {role, group, image}}

The models read leniently (a newer stack may export more) and say what every value means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.invoke import invoke_async
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

EXPORT = "bakewell"
"""The output that a program exports its records as."""


class _Output(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ImageOutput(_Output):
    """One role's image in one cloud."""

    ids: dict[str, str] = Field(description="region: the ID to boot from there")
    name: str = Field(description="for people, and for Terraform's `name_regex`")
    fingerprint: str = Field(description="64 hex digits: the content")
    attempt: int = Field(description="how often the same content had to be made again")
    parent: str | None = Field(
        default=None, description="run of the image it was built on; null for one built on a stock base"
    )
    run: str = Field(description="12 hex digits: the build that made it")


class MachineOutput(_Output):
    """One machine."""

    role: str
    address: str = Field(description="public IPv4 address")
    url: str | None = Field(default=None, description="where its health check answers; null for a role that has none")
    image: str = Field(description="ID of the image it boots from")
    ready_seconds: float | None = Field(
        default=None, description="from its boot until it did what its role is for; null where nobody could ask it"
    )


class FleetOutput(_Output):
    """One auto scaling group."""

    role: str
    group: str = Field(description="its name")
    image: str = Field(description="ID of the AMI that its machines boot from")


class RetentionOutput(_Output):
    """What retention last ran for."""

    key: str


class IdentityOutput(_Output):
    """The stack's name and key, which do not change when the stack is renamed."""

    name: str = Field(description="what the stack was called at its first `up`")


class CloudOutput(_Output):
    """The record of one cloud."""

    images: dict[str, ImageOutput] = {}
    retention: RetentionOutput | None = None
    identity: IdentityOutput | None = None


class StackOutputs(_Output):
    """All outputs; empty before the first `up`."""

    bakewell: dict[str, CloudOutput] = {}
    machines: dict[str, MachineOutput] = {}
    fleets: dict[str, FleetOutput] = {}

    @field_validator("bakewell", mode="before")
    @classmethod
    def _merged(cls, value: Any) -> Any:
        """A program in a language that merges no maps exports a list of records."""
        if not isinstance(value, list) or not all(isinstance(record, Mapping) for record in value):
            return value
        return {cloud: part for record in value for cloud, part in record.items()}

    def retention_key(self, cloud: str) -> str | None:
        """Key of the last retention on `cloud`; None if retention never ran."""
        found = self.bakewell.get(cloud)
        return found.retention.key if found and found.retention else None

    def image(self, role: str, cloud: str) -> ImageOutput | None:
        """The image of `role` in `cloud`, or None where the stack has exported none."""
        return self.bakewell[cloud].images.get(role) if cloud in self.bakewell else None

    @property
    def identity(self) -> IdentityOutput | None:
        """The stack's identity: that of the first cloud which has one."""
        return next((part.identity for part in self.bakewell.values() if part.identity), None)


_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds: a file backend writes its checkpoint in place, so at the wrong moment it is empty, or half there."""


def last_outputs() -> pulumi.Output[dict[str, Any]]:
    """The outputs of this stack's last successful `up`; empty before the first."""
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer: pulumi.Output[Any] = pulumi.Output.from_input(_asked(name))
    return answer.apply(lambda found: dict(found["outputs"] or {}))


async def _asked(name: str) -> dict[str, Any]:
    """What the engine says of a stack, asked again while it is writing the file that it reads."""
    for pause in _PAUSES:
        try:
            return await _ask(name)
        except Exception as error:  # the SDK raises no narrower one
            if "failed to load checkpoint" not in str(error):
                raise
            await asyncio.sleep(pause)
    return await _ask(name)


async def _ask(name: str) -> dict[str, Any]:
    # What a StackReference does, without a resource of its own: that one shows all outputs as changed in every
    # `pulumi preview --diff`, even when nothing is.
    answer: dict[str, Any] = await invoke_async("pulumi:pulumi:readStackOutputs", {"name": name})
    return answer


def remembered(values: Mapping[str, Any]) -> StackOutputs:
    """The record among a stack's own outputs. Its other outputs are the program's affair.

    A record in another shape counts as none: every build then adopts what exists, so nothing is built twice. The
    identity has to be understood: without it, names would change.
    """
    record = values.get(EXPORT, {})
    try:
        return StackOutputs.model_validate({EXPORT: record})
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        pulumi.log.warn(f"the stack's last output `{EXPORT}` is not understood and counts as none: {fault}")
    # Its identity counts all the same: with another, parameters and containers would be replaced.
    clouds = record if isinstance(record, Mapping) else {}
    identities = {
        cloud: {"identity": part.get("identity")} for cloud, part in clouds.items() if isinstance(part, Mapping)
    }
    try:
        return StackOutputs.model_validate({EXPORT: identities})
    except ValidationError as error:
        raise pulumi.RunError(
            f"the stack's last output `{EXPORT}` has an `identity` that is not understood, and machines and parameters "
            "are called by it\n"
            f"  remedy: use the version of this program that exported it ({error.errors()[0]['msg']})"
        ) from error
