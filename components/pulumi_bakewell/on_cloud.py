"""A stack on one cloud: looked at as a whole before anything is made, then images, machines and retention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pulumi

from bakewell import names
from bakewell.clouds import connect
from bakewell.clouds.survey import Survey
from bakewell.desired import Desired
from bakewell.image import Image
from bakewell.retention import Policy
from bakewell.settings import Environment, Settings
from bakewell.validation import look, validate_unbuilt
from pulumi_bakewell.image_catalog import ImageCatalog
from pulumi_bakewell.image_retention import ImageRetention
from pulumi_bakewell.stack.config import stack_file
from pulumi_bakewell.stack.identity import Identity
from pulumi_bakewell.stack.outputs import StackOutputs


class Machines(Protocol):
    """What a cloud's own components made."""

    def settled(self) -> list[pulumi.Resource]:
        """What is done before an image may go: everything that boots from one."""

    def published(self) -> Mapping[str, Mapping[str, object]]:
        """Their part of the stack's outputs."""


@dataclass
class OnCloud:
    """What the stack wants on one cloud, what that holds, and once it was called, what `make` made.

    Attributes:
        ssh_keys: role -> keys in the account, as the cloud takes them.
        pins: role -> the image that its machines must use.
    """

    desired: Desired
    survey: Survey
    environment: Environment
    ssh_keys: Mapping[str, list[str]]
    pins: Mapping[str, Image]
    identity: pulumi.Output[Identity] = field(init=False)
    catalog: ImageCatalog = field(init=False)
    machines: Machines = field(init=False)
    retention: ImageRetention = field(init=False)

    @classmethod
    def look(cls, cloud: str, settings: Settings, environment: Environment, root: Path) -> OnCloud:
        """Read and check everything. Makes nothing.

        Raises:
            BakewellError: anything that a build or a machine would be refused for; what the cloud says.
        """
        source = connect(cloud, environment, settings)
        found = look(source, cloud, settings, environment, root, file=stack_file(root))
        validate_unbuilt(found.desired, found.survey, environment)
        for remark in found.remarks:
            pulumi.log.warn(remark)
        return cls(found.desired, found.survey, environment, found.ssh_keys, found.pins)

    def make(self, last: pulumi.Output[StackOutputs], identity: pulumi.Output[Identity]) -> None:
        """Have all of it. `last`: what the stack exported last."""
        self.identity = identity
        wanted, settings, cloud = self.desired, self.desired.settings, self.desired.cloud
        arguments = {"desired": wanted, "survey": self.survey, "last": last}
        self.catalog = ImageCatalog(names.of(cloud, "images"), arguments)  # type: ignore[arg-type]
        self.machines = _maker(cloud)(self)
        self.retention = ImageRetention(
            names.of(cloud, "retention"),
            {
                "cloud": cloud,
                "policy": Policy(settings.keep, frozenset(settings.pins_on(cloud).values()), settings.project),
                "fingerprints": {role: found.value for role, found in wanted.fingerprints.items()},
                "attempts": {role: image.attempt for role, image in self.catalog.images.items()},
                "survey": self.survey,
                "last_key": last.apply(lambda outputs: outputs.retention_key(cloud)),
                "after": [*self.catalog.images.values(), *self.machines.settled()],
            },
        )

    def image_id(self, role: str) -> pulumi.Input[str]:
        """What machines of a role boot from."""
        home = self.desired.home
        return self.pins[role].id_in(home) if role in self.pins else self.catalog.image_id(role, home)


def _maker(cloud: str) -> Callable[[OnCloud], Machines]:
    """Loaded here, for a cloud's SDK takes a second of every preview."""
    if cloud == "aws":
        from pulumi_bakewell.aws.on_aws import OnAws

        return OnAws
    if cloud == "docker":
        from pulumi_bakewell.docker.on_docker import OnDocker

        return OnDocker
    from pulumi_bakewell.digitalocean.on_digitalocean import OnDigitalOcean

    return OnDigitalOcean
