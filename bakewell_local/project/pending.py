"""What a run that was killed left under way: looked for in the cloud, then forgotten by the stack.

Pulumi writes down what it begins. Of a create whose end it never saw, it warns in every later run, and it does not know
whether something was made. Forgetting it without a look would leave a machine that runs, and on a real cloud is paid
for, in no stack: docs/troubleshooting.md has the commands for one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from pydantic import BaseModel, Field

from bakewell.clouds.digitalocean.answers import Identified
from bakewell.clouds.digitalocean.api import Api, Item, Page
from bakewell.errors import BakewellError
from bakewell_local.project.layout import Project
from bakewell_local.sandbox import processes
from bakewell_local.sandbox.local_cloud import SECONDS_TO_END
from bakewell_local.toolchain.processes import end
from bakewell_local.toolchain.progress import say

Run = Callable[[Sequence[str]], str]
"""Runs a command in the stack's environment; what it printed. Raises BakewellError where it fails."""

DROPLET = "digitalocean:index/droplet:Droplet"
RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp"
INSTANCE = "aws:ec2/instance:Instance"
GROUP = "aws:autoscaling/group:Group"
SECONDS_TO_MAKE = 120  # what a droplet is given to be made
MAKERS = ("aws", "digitalocean")
"""Providers whose plugin may still be making something after its engine is gone."""


class Resource(BaseModel):
    """A resource as state has it; `id` is None while it is being made."""

    urn: str
    type: str
    id: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)

    @property
    def logical_name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def random_name(self) -> str:
        """The name that Pulumi made up for it, which nothing else has; empty where there is none."""
        return str(self.inputs["name"]) if "name" in self.inputs.get("__defaults", ()) else ""


class Operation(BaseModel):
    """Something that was under way: `type` is "creating", "updating", "deleting" …"""

    type: str
    resource: Resource


class _Droplet(Identified):
    name: str
    locked: bool


class _Droplets(Page[_Droplet]):
    items: list[_Droplet] = Field(alias="droplets")


class _Address(Item):
    ip: str
    droplet: dict[str, Any] | None

    @property
    def key(self) -> str:
        return self.ip


class _Addresses(Page[_Address]):
    items: list[_Address] = Field(alias="reserved_ips")


class _Deployment(BaseModel):
    resources: list[Resource] = Field(default_factory=list)
    pending_operations: list[Operation] = Field(default_factory=list)


def settle(stack: str, project: Project, environment: Mapping[str, str], run: Run) -> None:
    """Remove what the stack's unfinished creates made, as far as that is beyond doubt, and have the stack forget them.
    Says what is removed and what is in doubt. Does nothing for a stack without unfinished operations.

    Args:
        stack: no live run may be working on it.
        project: whose stack it is.
        environment: of the stack.
        run: as `Run`.

    Raises:
        BakewellError: a cloud could not be looked at, or pulumi fails; the stack then still knows its operations.
    """
    operations = _deployment(project.stack_file(stack)).pending_operations
    if not operations:
        return
    end(processes.orphaned_plugins(project.state / "pulumi-home", *MAKERS), SECONDS_TO_END)
    known = set(_known(project.state))
    for operation in operations:
        if operation.type == "creating":
            _look_for(operation.resource, known, environment)
    say("pulumi", f"stack {stack} forgets {len(operations)} operations that a killed run did not finish")
    words = ["--clear-pending-creates", "--yes", "--skip-preview", "--non-interactive", "--stack", stack]
    run(["pulumi", "refresh", *words])


def _look_for(resource: Resource, known: set[str], environment: Mapping[str, str]) -> None:
    """Remove the machine that this create made. Where it has no name of its own, say only what it may be."""
    name = resource.random_name
    if resource.type == DROPLET and name:
        api = _api(environment)
        for droplet in api.pages("/v2/droplets", _Droplets):
            if droplet.name == name and droplet.key not in known:
                _remove_droplet(api, droplet.id)
                say("pulumi", f"removed droplet {name} ({droplet.id}): a killed run made it, and no stack knows it")
    elif resource.type == GROUP and name and name not in known:
        groups = _client("autoscaling", environment)
        if groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]:
            groups.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
            say("pulumi", f"removed group {name}: a killed run made it, and no stack knows it")
    elif resource.type == RESERVED_IP:
        for address in _api(environment).pages("/v2/reserved_ips", _Addresses):
            if address.droplet is None and address.ip not in known:
                _doubt(resource, address.ip, f"doctl compute reserved-ip delete {address.ip}")
    elif resource.type == INSTANCE:
        for instance in _instances(resource.inputs.get("tags", {}), environment):
            if instance not in known:
                _doubt(resource, instance, f"aws ec2 terminate-instances --instance-ids {instance}")


def _doubt(resource: Resource, id: str, remove: str) -> None:
    say("pulumi", f"{resource.logical_name}: no stack knows {id}, so it may be this one; if nobody needs it: {remove}")


def _remove_droplet(api: Api, id: int) -> None:
    """Delete a droplet, as soon as it is made: the cloud refuses while it is at it."""
    until = time.monotonic() + SECONDS_TO_MAKE
    while any(droplet.id == id and droplet.locked for droplet in api.pages("/v2/droplets", _Droplets)):
        if time.monotonic() > until:
            break  # the cloud says why not
        time.sleep(1)
    api.delete(f"/v2/droplets/{id}")


def _api(environment: Mapping[str, str]) -> Api:
    names = ("DIGITALOCEAN_API_URL", "DIGITALOCEAN_TOKEN")
    endpoint, token = (environment[name] for name in names)
    return Api(endpoint, token, token_name=names[1])


def _instances(tags: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[str]:
    """IDs of the instances with these tags that run or are about to."""
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    filters = [states, *({"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items())]
    pages = _client("ec2", environment).get_paginator("describe_instances").paginate(Filters=filters)
    for reservation in (one for page in pages for one in page["Reservations"]):
        yield from (instance["InstanceId"] for instance in reservation["Instances"])


def _client(service: str, environment: Mapping[str, str]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def _known(state: Path) -> Iterator[str]:
    """The IDs of whatever a stack of the local cloud has, of any project."""
    for file in (state / "stacks/.pulumi/stacks").rglob("*.json"):
        yield from (resource.id for resource in _deployment(file).resources if resource.id)


def _deployment(file: Path) -> _Deployment:
    """A stack as its file has it; empty where there is none.

    Raises:
        BakewellError: the file is not as pulumi writes it.
    """
    try:
        return _Deployment.model_validate(json.loads(file.read_bytes())["checkpoint"].get("latest") or {})
    except FileNotFoundError:
        return _Deployment()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BakewellError(
            f"this is no stack's state: {error}", file=file, remedy="see `pulumi stack export`"
        ) from error
