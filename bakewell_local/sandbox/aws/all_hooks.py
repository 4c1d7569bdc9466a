"""Every hook of this package, put into moto."""

from __future__ import annotations

import functools

from bakewell_local.sandbox.aws import autoscaling, instance_refresh, ssm, stock
from bakewell_local.sandbox.aws.ec2 import (
    copies,
    image_attributes,
    images,
    instances,
    launching,
    references,
    smaller,
    snapshots,
    spot,
)


@functools.cache
def install() -> None:
    """Mend moto, once a process. The order counts: a later hook goes around an earlier one of the same method."""
    for module in (stock, launching, instances, images, copies, image_attributes, snapshots, references, smaller):
        module.install()
    for module in (spot, autoscaling, instance_refresh, ssm):
        module.install()
