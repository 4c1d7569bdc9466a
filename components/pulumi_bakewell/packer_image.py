"""One role's image on one cloud: a local Command that runs `bakewell build`, and a Command per further region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, TypeVar

import pulumi
from pulumi_command import local
from pydantic import BaseModel, ConfigDict, ValidationError

from bakewell.build.result import Result
from pulumi_bakewell.stack.commands import STACK_OF_BEFORE

_Line = TypeVar("_Line", bound=BaseModel)


class CopyResult(BaseModel):
    """The one line that `bakewell copy` prints for Pulumi."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    region: str


class PackerImageArgs(TypedDict):
    """Inputs of a PackerImage.

    role: folder under packer/images/.
    cloud: "digitalocean", …
    fingerprint: 64 hex digits.
    digests: context path (or folder, above 500 files) to digest; Pulumi's diff shows the changed path.
    attempt: increases when the same content must be rebuilt.
    home: the region that the image is built in.
    regions: the regions that need the image; regions other than `home` get a copy.
    """

    role: str
    cloud: str
    fingerprint: pulumi.Input[str]
    digests: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    attempt: pulumi.Input[int]
    home: str
    regions: Sequence[str]


class PackerImage(pulumi.ComponentResource):
    """An image that is identified by its content.

    Pulumi never deletes the image: replacing or destroying this component leaves the snapshot to `ImageRetention`,
    because a rollback needs it. The build waits for the parent image only if `built_on` is given.

    Args:
        name: resource name.
        args: see `PackerImageArgs`.
        built_on: the parent's component; the build starts when it is done. The parent's ID is not an input, because
            the build finds the parent by fingerprint. So an unchanged child shows no change when its parent changes.
        opts: as for every component.
    """

    result: pulumi.Output[Result]
    ids: pulumi.Output[dict[str, str]]
    attempt: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        args: PackerImageArgs,
        *,
        built_on: PackerImage | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("bakewell:index:PackerImage", name, {}, opts)
        self.role = args["role"]
        self.home = args["home"]
        self.attempt = pulumi.Output.from_input(args["attempt"])
        self._fingerprint = args["fingerprint"]
        self.build = _command(
            name,
            f"exec bakewell build {self.role} --cloud {args['cloud']}",
            args,
            # A map, so that Pulumi's diff names the file: in a list, an added file shifts all later entries.
            triggers=[args["fingerprint"], args["digests"], args["attempt"]],
            opts=pulumi.ResourceOptions(parent=self, depends_on=built_on.bootable(self.home) if built_on else None),
        )
        self.copies = {
            region: _command(
                f"{name}-{region}",
                f"exec bakewell copy {self.role} {region} --cloud {args['cloud']}",
                args,
                triggers=[args["fingerprint"], args["attempt"], region],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.build]),
            )
            for region in args["regions"]
            if region != self.home
        }
        self.result = pulumi.Output.unsecret(self.build.stdout).apply(lambda line: _parse(Result, self.role, line))
        self.ids = self._ids()
        self.register_outputs({})

    def bootable(self, region: str) -> list[pulumi.Resource]:
        """The resources that must exist before a machine can boot the image in `region`."""
        copy = self.copies.get(region)
        return [self.build] if copy is None else [self.build, copy]

    def published(self) -> dict[str, pulumi.Input[object]]:
        """The record of this image: see `pulumi_bakewell.stack.outputs.ImageOutput`."""
        return {
            "ids": self.ids,
            "name": self.result.apply(lambda r: r.name),
            "fingerprint": self._fingerprint,
            "attempt": self.attempt,
            "parent": self.result.apply(lambda r: r.parent),
            "run": self.result.apply(lambda r: r.run),
        }

    def _ids(self) -> pulumi.Output[dict[str, str]]:
        if not self.copies:
            return self.result.apply(lambda result: {self.home: result.id})
        lines = {region: pulumi.Output.unsecret(copy.stdout) for region, copy in self.copies.items()}
        return pulumi.Output.all(built=self.result, **lines).apply(
            lambda done: {self.home: done["built"].id}
            | {region: _parse(CopyResult, self.role, done[region]).id for region in self.copies}
        )


def _command(
    name: str, create: str, args: PackerImageArgs, *, triggers: list[object], opts: pulumi.ResourceOptions
) -> local.Command:
    """A Command with all the inputs that it will ever have: a preview of an added input shows the old stdout as known.

    Add no further input. A change of any input except `triggers` reruns the command in place, and then a preview shows
    every machine as changed. Values that differ between clones, hosts or people come from the environment.
    """
    return local.Command(
        name,
        create=create,
        dir=".",
        stdin="",
        environment={"BAKEWELL_FINGERPRINT": args["fingerprint"]},
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        triggers=triggers,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(additional_secret_outputs=["stdout", "stderr"], ignore_changes=STACK_OF_BEFORE),
        ),
    )


def _parse(model: type[_Line], role: str, line: str) -> _Line:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise pulumi.RunError(
            f"image {role}: its command printed no result that can be read\n"
            f"  remedy: run `bakewell build {role}` by hand and read what it says ({error.error_count()} errors)"
        ) from error
