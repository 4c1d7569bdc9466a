"""Another stack's images, for a stack that boots machines from them."""

# No `from __future__ import annotations`: Pulumi's analyzer takes a component's schema from annotations as objects.
from typing import Any, TypedDict

import pulumi
from pydantic import ValidationError

from bakewell.errors import ConfigError
from pulumi_bakewell.arguments import Arguments
from pulumi_bakewell.stack.outputs import EXPORT, ImageOutput, StackOutputs
from pulumi_bakewell.stack.refusal import refusals


class PublishedImagesArgs(TypedDict):
    """Inputs of PublishedImages."""

    stack: str
    """The stack that bakes the images, fully qualified: "organization/project/prod"."""


class PublishedImages(pulumi.ComponentResource):
    """The images of another stack, read from its output `bakewell`.

    The values are from the last `up` of that stack. After an image is rebuilt there, the next preview here shows the
    replacement of the machines that boot from it.
    """

    ids: pulumi.Output[dict[str, dict[str, dict[str, str]]]]
    """Cloud to role to the image's ID in each region."""

    def __init__(self, name: str, args: PublishedImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            self._stack = _stack(Arguments.of("PublishedImages", name, args, PublishedImagesArgs))
        super().__init__("bakewell:index:PublishedImages", name, {}, opts)
        below = pulumi.ResourceOptions(parent=self)
        reference = pulumi.StackReference(name, self._stack, opts=below)
        self._outputs = reference.outputs.apply(self._read)
        self.ids = self._outputs.apply(
            lambda outputs: {
                cloud: {role: image.ids for role, image in part.images.items()}
                for cloud, part in outputs.bakewell.items()
            }
        )
        self.register_outputs({"ids": self.ids})

    def image_id(self, role: str, *, region: str, cloud: str = "digitalocean") -> pulumi.Output[str]:
        """The ID of the image of `role` in `region`.

        If the stack has not published the image, resolving the Output raises pulumi.RunError with the published ones.
        """

        def pick(outputs: StackOutputs) -> str:
            ids = self._image(outputs, role, cloud).ids
            if region not in ids:
                raise self._missing(f"image {role} is not in {region}", f"use one of: {', '.join(sorted(ids))}")
            return ids[region]

        return self._outputs.apply(pick)

    def image(self, role: str, *, cloud: str = "digitalocean") -> pulumi.Output[ImageOutput]:
        """The published record of the image of `role`. Errors as for `image_id`."""
        return self._outputs.apply(lambda outputs: self._image(outputs, role, cloud))

    def _read(self, values: dict[str, Any]) -> StackOutputs:
        if values and EXPORT not in values:
            raise self._missing(f"it exports no `{EXPORT}`", "is that a Bakewell stack? export the record there")
        try:
            return StackOutputs.model_validate({EXPORT: values.get(EXPORT, {})})
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise self._missing(f"output {where} can't be read: {fault['msg']}", "is that a Bakewell stack?") from error

    def _image(self, outputs: StackOutputs, role: str, cloud: str) -> ImageOutput:
        found = outputs.image(role, cloud)
        if found is not None:
            return found
        clouds = [name for name, part in outputs.bakewell.items() if role in part.images]
        if clouds:
            raise self._missing(f"image {role} is not in {cloud}", f"use one of: {', '.join(clouds)}")
        roles = sorted({known for part in outputs.bakewell.values() for known in part.images})
        known = ", ".join(roles) or "none; run `pulumi up` there first"
        raise self._missing(f"there is no image {role}", f"its images: {known}")

    def _missing(self, what: str, remedy: str) -> pulumi.RunError:
        return pulumi.RunError(f"stack {self._stack}: {what}\n  remedy: {remedy}")


def _stack(given: Arguments) -> str:
    """The stack's name. Raises ConfigError where that is missing, or no text."""
    remedy = 'name the stack that bakes the images: "organization/project/prod"'
    name = given.text("stack", remedy)
    if name is None:
        raise ConfigError(f"{given.source}: `stack` is missing", remedy=remedy)
    return name
