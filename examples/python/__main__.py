"""One image, the machine that boots from it, and the removal of images that nobody needs any more."""

import pulumi
import pulumi_bakewell as bakewell

images = bakewell.Images("images", {})
machines = bakewell.Machines("machines", {"images": images.boot})
retention = bakewell.ImageRetention(
    "retention", {"record": images.record}, pulumi.ResourceOptions(depends_on=[images, machines])
)

pulumi.export("bakewell", retention.record)
pulumi.export("machines", machines.machines)
