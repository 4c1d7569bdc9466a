"""All images of a stack in one cloud: a PackerImage for each role, each after the one it is built on."""

from __future__ import annotations

from typing import TypedDict

import pulumi

from bakewell import names
from bakewell.clouds.survey import Survey
from bakewell.desired import Desired
from pulumi_bakewell.packer_image import PackerImage
from pulumi_bakewell.stack.attempt import Attempt, next_attempt
from pulumi_bakewell.stack.outputs import StackOutputs
from pulumi_bakewell.stack.refusal import refusing


class ImageCatalogArgs(TypedDict):
    """What an ImageCatalog is made from.

    desired: the roles, their fingerprints and parents.
    survey: what the cloud holds already.
    last: what this stack exported last (`pulumi_bakewell.stack.outputs.last_outputs`).
    """

    desired: Desired
    survey: Survey
    last: pulumi.Input[StackOutputs]


class ImageCatalog(pulumi.ComponentResource):
    """The images of a stack, by role.

    In preview it says of every image that has to be made again, though its content is the same, what happened to it.
    """

    images: dict[str, PackerImage]

    def __init__(self, name: str, args: ImageCatalogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bakewell:index:ImageCatalog", name, {}, opts)
        desired, survey = args["desired"], args["survey"]
        self.cloud = desired.cloud
        last = pulumi.Output.from_input(args["last"])
        self.images = {}
        for role in desired.roles:
            fingerprint = desired.fingerprints[role]
            parent = desired.parents[role]
            self.images[role] = PackerImage(
                names.of(desired.cloud, role),
                {
                    "role": role,
                    "cloud": desired.cloud,
                    "fingerprint": fingerprint.value,
                    "digests": fingerprint.digests,
                    "attempt": self._attempt(role, fingerprint.value, last, survey),
                    "home": survey.home(role, fingerprint.value),
                    "regions": desired.settings.regions_of(desired.cloud),
                },
                built_on=self.images[parent] if parent else None,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def image_id(self, role: str, region: str) -> pulumi.Output[str]:
        """The ID to boot `role` from in `region`."""
        return self.images[role].ids.apply(lambda ids: ids[region])

    def published(self) -> dict[str, dict[str, object]]:
        """This cloud's part of the stack output `images`."""
        return {role: {self.cloud: image.published()} for role, image in self.images.items()}

    def _attempt(
        self, role: str, fingerprint: str, last: pulumi.Output[StackOutputs], survey: Survey
    ) -> pulumi.Output[int]:
        @refusing
        def number(outputs: StackOutputs) -> int:
            attempt = next_attempt(role, fingerprint, outputs.image(role, self.cloud), survey)
            self._tell(attempt)
            return attempt.number

        return last.apply(number)

    def _tell(self, attempt: Attempt) -> None:
        if attempt.because and pulumi.runtime.is_dry_run():
            pulumi.log.warn(attempt.because, resource=self)
