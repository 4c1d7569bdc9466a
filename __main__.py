"""The stack, top to bottom: on each of its clouds images, machines that boot them, retention; then outputs."""

# ruff: noqa: E402
import gc

gc.set_threshold(100_000)  # its default walks the SDKs' classes dozens of times as they load: a tenth of a preview

from typing import Any

import pulumi
import pulumi_bakewell as bakewell

record: dict[str, Any] = {}
machines: dict[str, Any] = {}
fleets: dict[str, Any] = {}
for cloud in bakewell.clouds():
    images = bakewell.Images(f"{cloud}-images", {"cloud": cloud})
    booted = bakewell.Machines(f"{cloud}-machines", {"cloud": cloud, "images": images.boot})
    retention = bakewell.ImageRetention(
        f"{cloud}-retention",
        {"cloud": cloud, "record": images.record},
        pulumi.ResourceOptions(depends_on=[images, booted]),
    )
    record |= retention.record
    machines |= booted.machines
    fleets |= booted.fleets

pulumi.export("bakewell", record)
pulumi.export("machines", machines)
pulumi.export("fleets", fleets)

gc.freeze()  # at its end, Python walks all that is not frozen
