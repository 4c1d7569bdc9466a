"""Waits, in `up`, until machines are ready: a local Command that runs `bakewell ready` or `bakewell fleet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_command import local
from pydantic import BaseModel, ConfigDict, ValidationError

from bakewell.catalog import Health
from pulumi_bakewell.stack.commands import STACK_OF_BEFORE


class ReadyResult(BaseModel):
    """The one line that `bakewell ready` prints for Pulumi."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    ready_seconds: float | None


def url(address: pulumi.Output[str], health: Health | None) -> pulumi.Output[str] | None:
    """URL of a machine's health check; None for a role without a health check."""
    if health is None:
        return None
    return address.apply(health.url)


def where(address: pulumi.Output[str], url: pulumi.Output[str] | None) -> dict[str, pulumi.Input[str]]:
    """The variables with which `bakewell ready` finds a machine: it asks at `url`, or over SSH if `url` is None."""
    found: dict[str, pulumi.Input[str]] = {"BAKEWELL_ADDRESS": address}
    return found if url is None else {**found, "BAKEWELL_URL": url}


def command(
    name: str,
    create: str,
    *,
    machine: str,
    where: Mapping[str, pulumi.Input[str]],
    triggers: Sequence[pulumi.Input[object]],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
    delete: str | None = None,
) -> local.Command:
    """A Command for one machine or fleet, which runs again when the machine is replaced.

    Args:
        machine: the machine's name in the stack.
        where: variables with the machine's address: BAKEWELL_ADDRESS, BAKEWELL_URL, BAKEWELL_GROUP.
        triggers: values that change when the machine is replaced, such as its ID.
    """
    return local.Command(
        name,
        create=create,
        delete=delete,
        dir=".",
        stdin="",
        environment={
            "BAKEWELL_MACHINE": machine,
            **where,
        },
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        triggers=list(triggers),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(after),
            additional_secret_outputs=["stdout", "stderr"],
            ignore_changes=STACK_OF_BEFORE,
        ),
    )


def seconds(machine: str, ready: local.Command) -> pulumi.Output[float | None]:
    """Seconds from the machine's boot until it was ready, from its readiness Command; None without SSH login."""

    def read(line: str) -> float | None:
        try:
            return ReadyResult.model_validate_json(line).ready_seconds
        except ValidationError as error:
            raise pulumi.RunError(
                f"machine {machine}: its readiness command printed no result that can be read\n"
                "  remedy: run `bakewell ready --address IP` by hand and read what it says"
            ) from error

    return pulumi.Output.unsecret(ready.stdout).apply(read)
