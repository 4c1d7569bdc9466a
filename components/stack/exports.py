"""What the stack exports: the parts of its clouds put together, in the shape that `outputs` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.on_cloud import OnCloud


def exported(clouds: Sequence[OnCloud]) -> Mapping[str, Mapping[str, object]]:
    """Output by name; see `components.stack.outputs`."""
    images: dict[str, dict[str, object]] = {}
    found: dict[str, dict[str, object]] = {"machines": {}}
    for cloud in clouds:
        for role, image in cloud.catalog.published().items():
            images.setdefault(role, {}).update(image)
        for name, part in cloud.machines.published().items():
            found.setdefault(name, {}).update(part)
    retention = {cloud.desired.cloud: {"key": cloud.retention.key} for cloud in clouds}
    return {"images": images, **found, "retention": retention}
