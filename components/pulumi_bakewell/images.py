"""All images of a stack on one cloud: a PackerImage for each role, parents first."""

# No `from __future__ import annotations`: Pulumi's analyzer takes a component's schema from annotations as objects.
from typing import Any, TypedDict

import pulumi

from bakewell import names
from bakewell.validation import Looked
from pulumi_bakewell.arguments import Arguments
from pulumi_bakewell.packer_image import PackerImage
from pulumi_bakewell.stack.attempt import Attempt, next_attempt
from pulumi_bakewell.stack.outputs import StackOutputs
from pulumi_bakewell.stack.refusal import refusals, refusing
from pulumi_bakewell.stack.session import Session, session
from pulumi_bakewell.stack.summary import summarise


class ImagesArgs(TypedDict, total=False):
    """Inputs of Images. The content of each image is defined by packer/ and the stack's config."""

    cloud: str | None
    """The cloud of the images. The first of `bakewell:clouds` by default."""


_DEFAULTS: ImagesArgs = {}


class Images(pulumi.ComponentResource):
    """The images of a stack on one cloud: the roles of `bakewell:roles` and their parents.

    An image is identified by its content. An existing image with the same content is adopted; otherwise Packer builds
    the image during `up`. If an image must be rebuilt although its content is unchanged, a preview warns and gives the
    reason. A stack has at most one Images for each of its clouds. Pulumi never deletes an image: see ImageRetention.
    """

    ids: dict[str, pulumi.Output[dict[str, str]]]
    """Role to the image's ID in each region of the stack."""

    boot: dict[str, pulumi.Output[str]]
    """Role to the image ID that machines boot from, in the stack's first region. A pinned role has its pin's ID."""

    record: dict[str, Any]
    """The stack's record of its images, by cloud. Pass it to ImageRetention, or export it as `bakewell`."""

    def __init__(self, name: str, args: ImagesArgs = _DEFAULTS, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            given = Arguments.of("Images", name, args, ImagesArgs)
            stack = session()
            wanted = stack.part("Images", name, given)
        self._cloud = wanted.desired.cloud
        super().__init__("bakewell:index:Images", name, {}, opts)
        self.images: dict[str, PackerImage] = {}
        for role in wanted.desired.roles:
            self.images[role] = self._image(role, wanted, stack)
        home = wanted.desired.home
        self.ids = {role: image.ids for role, image in self.images.items()}
        self.boot = {role: ids.apply(lambda found: found[home]) for role, ids in self.ids.items()}
        self.boot |= {role: pulumi.Output.from_input(pin.id_in(home)) for role, pin in wanted.pins.items()}
        identity = stack.first_name.apply(lambda known: {"name": known})
        images = {role: image.published() for role, image in self.images.items()}
        self.record = {self._cloud: {"images": images, "identity": identity}}
        if self._cloud == "aws":
            from pulumi_bakewell.aws.handed_on import hand_on  # Here: importing a cloud's SDK takes a second.

            hand_on(self.ids, stack, self)
        several = len(stack.clouds) > 1
        summarise({f"{self._cloud}/{role}" if several else role: image for role, image in self.images.items()})
        self.register_outputs({"ids": self.ids, "boot": self.boot, "record": self.record})

    def _image(self, role: str, wanted: Looked, stack: Session) -> PackerImage:
        desired, survey = wanted.desired, wanted.survey
        fingerprint, parent = desired.fingerprints[role], desired.parents[role]

        @refusing
        def attempt(last: StackOutputs) -> int:
            found = next_attempt(role, fingerprint.value, last.image(role, self._cloud), survey)
            self._tell(found)
            return found.number

        return PackerImage(
            names.of(self._cloud, role),
            {
                "role": role,
                "cloud": self._cloud,
                "fingerprint": fingerprint.value,
                "digests": fingerprint.digests,
                "attempt": stack.last.apply(attempt),
                "home": survey.home(role, fingerprint.value),
                "regions": desired.settings.regions_of(self._cloud),
            },
            built_on=self.images[parent] if parent else None,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tell(self, attempt: Attempt) -> None:
        if attempt.because and pulumi.runtime.is_dry_run():
            pulumi.log.warn(attempt.because, resource=self)
