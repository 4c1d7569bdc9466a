"""One machine of a role on Docker: a container that boots the role's image."""

from __future__ import annotations

import hashlib
import json
from typing import TypedDict

import pulumi
from pulumi_command import local
from pydantic import BaseModel, ConfigDict, ValidationError

from bakewell.catalog import Health
from bakewell.settings import ContainerSettings
from bakewell.user_data import UserData
from pulumi_bakewell import readiness
from pulumi_bakewell.peers import Peers, rendered
from pulumi_bakewell.role_machine import RoleMachine


class RoleContainerArgs(TypedDict):
    """Inputs of a RoleContainer. A change of stack, image, port or user_data replaces the container.

    project, role: the container's project and role.
    stack: unique name of the stack, part of the container's name.
    image: ID of the image.
    settings: the published port.
    user_data: the machine's user_data for cloud-init.
    peers: role to `<address>:<port>` of each of the role's machines.
    health: the role's health check, or None.
    """

    project: str
    role: str
    stack: pulumi.Input[str]
    image: pulumi.Input[str]
    settings: ContainerSettings
    user_data: UserData
    peers: Peers
    health: Health | None


class _Booted(BaseModel):
    """The one line that `bakewell container` prints for Pulumi."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    address: str
    port: int | None


class RoleContainer(RoleMachine):
    """A container that is replaced without downtime: the new container is ready before the old container is deleted.

    A container with a published `port` is deleted first, because two containers cannot share a port.
    """

    def __init__(self, name: str, args: RoleContainerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("RoleContainer", name, args["role"], opts)
        health, port = args["health"], args["settings"].port
        self.image = pulumi.Output.from_input(args["image"])
        text = pulumi.Output.from_input(rendered(args["user_data"], "docker", args["peers"]))
        # The name is derived from the content, so that the command finds the container of an interrupted run.
        called = pulumi.Output.all(args["stack"], self.image, text).apply(
            lambda found: f"{args['project']}-{found[0]}-{name}-{_digest([*found[1:], port])}"
        )
        create = f'exec bakewell container "$CONTAINER" --image "$IMAGE" --hostname {name}'
        create += f" --port {health.port}" if health else ""
        create += f" --publish {port}" if health and port else ""
        self.container = local.Command(
            name,
            create=create,
            delete='exec bakewell container "$CONTAINER" --remove',
            dir=".",
            stdin=text,
            environment={"CONTAINER": called, "IMAGE": self.image},
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            triggers=[called],
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=port is not None, additional_secret_outputs=["stdout", "stderr"]
            ),
        )
        booted = pulumi.Output.unsecret(self.container.stdout).apply(self._booted)
        self.address = booted.apply(lambda one: one.address)
        if health:
            path = health.path
            # Not the container's address: it is in the container network, which a Mac cannot reach.
            self.url = booted.apply(lambda one: f"http://127.0.0.1:{one.port}{path}")
            self.ready = readiness.command(
                f"{name}-ready",
                "exec bakewell ready",
                machine=name,
                where=readiness.where(self.address, self.url),
                triggers=[booted.apply(lambda one: one.id)],
                parent=self,
            )
            self.ready_seconds = readiness.seconds(name, self.ready)
        self.register_outputs({})

    def _booted(self, line: str) -> _Booted:
        try:
            return _Booted.model_validate_json(line)
        except ValidationError as error:
            raise pulumi.RunError(
                f"machine {self.name}: its command printed no result that can be read\n"
                "  remedy: run `bakewell container NAME --image ID` by hand and read what it says"
            ) from error


def _digest(values: list[object]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:8]
