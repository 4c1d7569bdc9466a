"""What the stack exports: the parts of its clouds put together, in the shape that `outputs` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from pulumi_bakewell.on_cloud import OnCloud
from pulumi_bakewell.stack.identity import Identity


def exported(clouds: Sequence[OnCloud], identity: pulumi.Output[Identity]) -> Mapping[str, object]:
    """Output by name; see `pulumi_bakewell.stack.outputs`."""
    images: dict[str, dict[str, object]] = {}
    found: dict[str, dict[str, object]] = {"machines": {}}
    for cloud in clouds:
        for role, image in cloud.catalog.published().items():
            images.setdefault(role, {}).update(image)
        for name, part in cloud.machines.published().items():
            found.setdefault(name, {}).update(part)
    retention = {cloud.desired.cloud: {"key": cloud.retention.key} for cloud in clouds}
    shown = identity.apply(lambda known: known.published())
    return {"images": images, **found, "retention": retention, "identity": shown}
