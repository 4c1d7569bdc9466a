"""The machines of a stack on one cloud, in the order that they need: those that others are told of come first."""

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
    """What Machines are made from."""

    cloud: str | None
    """The cloud that they run on. The first of `bakewell:clouds` by default."""

    images: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Role to the ID that its machines boot from: the output `boot` of Images. Another ID replaces them."""

    droplets: dict[str, dict[str, Any]] | None
    """On DigitalOcean: role to its droplets, as in stack config. Those of `bakewell:digitalocean.droplets` by default.

    Keys: count (1 by default), size (s-1vcpu-1gb), ssh_keys (none): names, IDs or fingerprints of keys that may log in.
    """

    instances: dict[str, dict[str, Any]] | None
    """On AWS: role to its instances, as in stack config. Those of `bakewell:aws.instances` by default.

    Keys: count (1 by default), type (t3.micro), key (none): key pair that may log in, profile (none): instance profile,
    open_to (everybody): blocks that may reach the role's own port, ssh_from (none): blocks that may reach port 22,
    subnet (one of the default VPC's).
    """

    fleets: dict[str, dict[str, Any]] | None
    """On AWS: role to its auto scaling group, as in stack config. Those of `bakewell:aws.fleets` by default.

    Keys: as for instances, but subnets (all of the default VPC's) instead of subnet.
    """

    containers: dict[str, dict[str, Any]] | None
    """On Docker: role to its containers, as in stack config. Those of `bakewell:docker.containers` by default.

    Keys: count (1 by default), port (any free one): the port of this host that leads to the role's own.
    """


class Machines(pulumi.ComponentResource):
    """The machines of a stack on one cloud. Each boots the image of its role and is told only who it is.

    A machine is replaced when its image, its user data, its size or type, or a key changes; the new one is made, and is
    ready, before the old one goes. A stack has at most one for each of its clouds.
    """

    machines: dict[str, dict[str, Any]]
    """Name to role, address, url, image, ready_seconds: see docs/outputs.md. Export it as `machines`."""

    fleets: dict[str, dict[str, Any]]
    """Role to role, group, image of its auto scaling group; empty but on AWS. Export it as `fleets`."""

    def __init__(self, name: str, args: MachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            given = Arguments.of("Machines", name, args, MachinesArgs)
            stack = session()
            wanted = _wanted(stack.part("Machines", name, given), given, stack)
            image = _boots(given.source, given.get("images"))
            for machine in (*wanted.desired.numbered, *wanted.desired.fleets):
                image(machine.role)  # refused now, where it is known to be missing
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
    """Loaded here, for a cloud's SDK takes a second of every preview."""
    if cloud == "aws":
        from pulumi_bakewell.aws.machines import make as on_aws

        return on_aws
    if cloud == "docker":
        from pulumi_bakewell.docker.machines import make as on_docker

        return on_docker
    from pulumi_bakewell.digitalocean.machines import make as on_digitalocean

    return on_digitalocean
