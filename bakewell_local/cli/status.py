"""`bakewell local status`: what of a project's local cloud runs. Starts, builds and changes nothing."""

from __future__ import annotations

import time

from docker.errors import DockerException
from pydantic import BaseModel

from bakewell.errors import BakewellError
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project
from bakewell_local.sandbox import mirror
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain import engine


class Server(BaseModel):
    """One server of the cloud; `endpoint` and `pid` are None where it does not serve."""

    name: str
    endpoint: str | None = None
    pid: int | None = None


class MachineStatus(stacks.Machine):
    """A machine of a stack, with what it answers at its URL now."""

    name: str
    answer: str = ""


class StackStatus(BaseModel):
    """A stack that was made in this cloud; `machines` is None where the cloud has to serve for them to be told."""

    name: str
    machines: list[MachineStatus] | None = None


class Status(BaseModel):
    """What runs.

    Attributes:
        state: the folder of the cloud's state.
        engine: what is wrong with the Docker Engine; "runs", or "runs, started here".
        mirror: whether the mirror of vendors runs.
    """

    project: str
    state: str
    engine: str
    servers: list[Server]
    mirror: bool
    stacks: list[StackStatus]


def look(project: Project) -> Status:
    """What runs now.

    Raises:
        BakewellError: the project has no name, or pulumi cannot tell a stack's outputs.
    """
    cloud = LocalCloud(project.state)
    trouble = engine.problem()
    serving = cloud.serving()
    return Status(
        project=project.name,
        state=str(cloud.state),
        engine=trouble or ("runs, started here" if engine.started() else "runs"),
        servers=_servers(cloud),
        mirror=trouble is None and _mirror(cloud),
        stacks=[
            StackStatus(name=stack, machines=_machines(project, cloud, stack, serving)) for stack in project.known()
        ],
    )


def text(status: Status) -> str:
    """The same, for people: one line a thing."""
    lines = [f"{'engine':<16} {status.engine}"]
    lines += [
        f"{server.name:<16} {f'{server.endpoint}, process {server.pid}' if server.pid else 'does not run'}"
        for server in status.servers
    ]
    lines.append(f"{'mirror':<16} {'runs' if status.mirror else 'does not run'}")
    for stack in status.stacks:
        told = "the cloud must run to tell" if stack.machines is None else f"machines: {len(stack.machines)}"
        lines.append(f"{f'stack {stack.name}':<16} {told}")
        lines += [f"  {stacks.row(machine.name, machine, machine.answer)}" for machine in stack.machines or []]
    if not status.stacks:
        lines.append(f"{'stacks':<16} none; bakewell local up makes one")
    return "\n".join(lines)


def _servers(cloud: LocalCloud) -> list[Server]:
    found = []
    for name, serving, address in (
        ("digitalocean", cloud.serving, cloud.address()),
        ("aws", cloud.serving_aws, cloud.aws_address()),
    ):
        runs = address is not None and serving()
        found.append(
            Server(name=name, endpoint=address.endpoint, pid=address.pid) if runs and address else Server(name=name)
        )
    return found


def _mirror(cloud: LocalCloud) -> bool:
    address = cloud.address()
    try:
        return address is not None and mirror.runs(address.cloud_id)
    except (BakewellError, DockerException):
        return False


def _machines(project: Project, cloud: LocalCloud, stack: str, serving: bool) -> list[MachineStatus] | None:
    if not serving:
        return None
    environment = stacks.full({**cloud.environment(), "PULUMI_STACK": stack})
    return [
        MachineStatus(
            name=name,
            answer=stacks.http_status(machine.url, time.monotonic()) if machine.url else "",
            **machine.model_dump(),
        )
        for name, machine in stacks.machines(project, environment)
    ]
