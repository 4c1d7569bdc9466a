"""Another stack's images, for a stack that boots machines from them."""

from __future__ import annotations

from typing import Any

import pulumi
from pydantic import ValidationError

from pulumi_bakewell.stack.outputs import ImageOutput, StackOutputs


class PublishedImages:
    """The `images` output of a stack that bakes them.

    Values are what that stack exported at its last `up`: when an image is rebuilt there, a preview here shows the
    replacement of what boots from it.

    Args:
        stack: fully qualified: "organization/bakewell/prod".
        opts: for the StackReference.
    """

    def __init__(self, stack: str, opts: pulumi.ResourceOptions | None = None) -> None:
        self._stack = stack
        self._outputs = pulumi.StackReference(f"images-of-{stack.replace('/', '-')}", stack, opts).outputs

    def image_id(self, role: str, *, region: str, cloud: str = "digitalocean") -> pulumi.Output[str]:
        """The ID to boot `role` from in `region`.

        Using it raises pulumi.RunError where the stack has published no such image, naming those it has.
        """

        def pick(outputs: dict[str, Any]) -> str:
            ids = self._image(outputs, role, cloud).ids
            if region not in ids:
                raise self._missing(f"image {role} is not in {region}", f"use one of: {', '.join(sorted(ids))}")
            return ids[region]

        return self._outputs.apply(pick)

    def image(self, role: str, *, cloud: str = "digitalocean") -> pulumi.Output[ImageOutput]:
        """Everything that is published of `role`; errors as for `image_id`."""
        return self._outputs.apply(lambda outputs: self._image(outputs, role, cloud))

    def _image(self, values: dict[str, Any], role: str, cloud: str) -> ImageOutput:
        try:
            outputs = StackOutputs.model_validate(values)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise self._missing(f"output {where} can't be read: {fault['msg']}", "is that a Bakewell stack?") from error
        if role not in outputs.images:
            known = ", ".join(sorted(outputs.images)) or "none; run `pulumi up` there first"
            raise self._missing(f"there is no image {role}", f"its images: {known}")
        found = outputs.image(role, cloud)
        if found is None:
            raise self._missing(f"image {role} is not in {cloud}", f"use one of: {', '.join(outputs.images[role])}")
        return found

    def _missing(self, what: str, remedy: str) -> pulumi.RunError:
        return pulumi.RunError(f"stack {self._stack}: {what}\n  remedy: {remedy}")
