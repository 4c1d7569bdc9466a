"""The machines of a stack on one cloud. Peers are created before the machines that need their addresses."""

# No `from __future__ import annotations`: Pulumi's analyzer takes a component's schema from annotations as objects.
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import pulumi
from pulumi.output import Unknown

from bakewell.errors import ConfigError
from bakewell.validation import Looked
from pulumi_bakewell.arguments import Arguments, kind_of
from pulumi_bakewell.role_machine import Boots, Made
from pulumi_bakewell.stack.refusal import refusals, refusing
from pulumi_bakewell.stack.session import Session, session

_KINDS = {"digitalocean": ("droplets",), "aws": ("instances", "fleets"), "docker": ("containers",)}


class MachinesArgs(TypedDict, total=False):
    """Inputs of Machines."""

    cloud: str | None
    """The cloud that the machines run on. The first of `bakewell:clouds` by default."""

    images: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Role to the image ID that its machines boot from: the output `boot` of Images. A new ID replaces the machines."""

    droplets: dict[str, dict[str, Any]] | None
    """DigitalOcean only: role to its droplets, as in stack config; `bakewell:digitalocean.droplets` by default.

    Keys: count (default 1); size (default s-1vcpu-1gb); ssh_keys: names, IDs or fingerprints of the account's keys that
    may log in (default none).
    """

    instances: dict[str, dict[str, Any]] | None
    """AWS only: role to its instances, as in stack config; `bakewell:aws.instances` by default.

    Keys: count (default 1); type (default t3.micro); key: key pair that may log in (default none); profile: instance
    profile (default none); open_to: CIDR blocks that may reach the role's port (default 0.0.0.0/0); ssh_from: CIDR
    blocks that may reach port 22 (default none); subnet (default: a subnet of the default VPC).
    """

    fleets: dict[str, dict[str, Any]] | None
    """AWS only: role to its auto scaling group, as in stack config; `bakewell:aws.fleets` by default.

    Keys: as for instances, but subnets (default: all subnets of the default VPC) instead of subnet.
    """

    containers: dict[str, dict[str, Any]] | None
    """Docker only: role to its containers, as in stack config; `bakewell:docker.containers` by default.

    Keys: count (default 1); port: port on this host's loopback that forwards to the role's port (default: any free
    port).
    """


class Machines(pulumi.ComponentResource):
    """The machines of a stack on one cloud. Each machine boots its role's image; user_data identifies the machine.

    A change of the image, the user_data, the size or type, or a key replaces a machine: the new machine is created and
    ready before the old machine is deleted. A stack has at most one Machines for each of its clouds.
    """

    machines: dict[str, dict[str, Any]]
    """Name to role, address, url, image and ready_seconds, see docs/outputs.md. Export it as `machines`."""

    fleets: dict[str, dict[str, Any]]
    """Role to role, group and image of its auto scaling group; empty except on AWS. Export it as `fleets`."""

    def __init__(self, name: str, args: MachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            given = Arguments.of("Machines", name, args, MachinesArgs)
            stack = session()
            wanted = _wanted(stack.part("Machines", name, given), given, stack)
            image = _boots(given.source, given.get("images"))
            for machine in (*wanted.desired.numbered, *wanted.desired.fleets):
                image(machine.role)  # an image that is known to be missing is refused now
        super().__init__("bakewell:index:Machines", name, {}, opts)
        made = _maker(wanted.desired.cloud)(wanted, image, stack, self)
        self.machines = {machine: found.published() for machine, found in made.machines.items()}
        self.fleets = {role: fleet.published() for role, fleet in made.fleets.items()}
        self.register_outputs({"machines": self.machines, "fleets": self.fleets})


def _wanted(known: Looked, given: Arguments, stack: Session) -> Looked:
    """What the stack wants, with the machines that the program gives, if it gives any."""
    cloud = known.desired.cloud
    for of_cloud, kinds in _KINDS.items():
        for kind in kinds:
            if given.get(kind) is not None and of_cloud != cloud:
                raise ConfigError(
                    f"{given.source}: there are no {kind} on {cloud}", remedy=f"set its cloud to {of_cloud}"
                )
    machines = {kind: given.plain(kind) for kind in _KINDS[cloud] if given.get(kind) is not None}
    return stack.with_machines(cloud, machines, given.source) if machines else known


def _boots(source: str, images: Any) -> Boots:
    remedy = "give it the output `boot` of Images"
    if images is None:
        raise ConfigError(f"{source}: `images` is missing", remedy=remedy)

    def pick(known: Any, role: str) -> Any:
        if isinstance(known, Unknown):
            return known
        if not isinstance(known, Mapping):
            found = kind_of(known)
            raise ConfigError(f"{source}: `images` is {found}, where a map of role to ID is expected", remedy=remedy)
        if role not in known:
            raise ConfigError(f"{source}: there is no image of `{role}` among its images", remedy=remedy)
        image = known[role]
        if not isinstance(image, str | pulumi.Output | Unknown) and not inspect.isawaitable(image):
            found = kind_of(image)
            raise ConfigError(f"{source}: `images.{role}` is {found}, where an ID, as text, is expected", remedy=remedy)
        return image

    def image(role: str) -> pulumi.Output[str]:
        if not isinstance(images, pulumi.Output) and not inspect.isawaitable(images):
            return pulumi.Output.from_input(pick(images, role))
        # In a preview, some images may be known and others not.
        found: pulumi.Output[Any] = pulumi.Output.from_input(images)
        return found.apply(refusing(lambda known: pick(known, role)), run_with_unknowns=True)

    return image


def _maker(cloud: str) -> Callable[[Looked, Boots, Session, pulumi.Resource], Made]:
    """The function that creates a cloud's machines. Imported here: importing a cloud's SDK takes a second."""
    if cloud == "aws":
        from pulumi_bakewell.aws.machines import make as on_aws

        return on_aws
    if cloud == "docker":
        from pulumi_bakewell.docker.machines import make as on_docker

        return on_docker
    from pulumi_bakewell.digitalocean.machines import make as on_digitalocean

    return on_digitalocean
