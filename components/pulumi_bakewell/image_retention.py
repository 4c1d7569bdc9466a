"""Removing images that nobody needs any more: a local Command that runs `bakewell clean`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi
from pulumi_command import local

from bakewell.clouds.survey import Survey
from bakewell.retention import Plan, Policy, plan
from pulumi_bakewell.stack.commands import STACK_OF_BEFORE
from pulumi_bakewell.stack.refusal import refusing


class ImageRetentionArgs(TypedDict):
    """What an ImageRetention is made from.

    cloud: whose images.
    policy: how many to keep, and which in any case.
    fingerprints: role to fingerprint: new content is a reason to look again.
    attempts: role to attempt: so is the same content made again.
    survey: what the cloud holds now, for the preview.
    last_key: the `key` that this stack exported last; None when it never did.
    after: images and machines that must be settled first.
    """

    cloud: str
    policy: Policy
    fingerprints: Mapping[str, str]
    attempts: Mapping[str, pulumi.Input[int]]
    survey: Survey
    last_key: pulumi.Input[str | None]
    after: Sequence[pulumi.Resource]


class ImageRetention(pulumi.ComponentResource):
    """Retention as part of `up`.

    The command is keyed on the policy and on what is built, never on the plan: a plan changes by being carried out,
    and then the next preview would not be quiet. What depends on time alone belongs to a scheduled `bakewell clean`.
    A preview in which it would run says what would go, and why each other image stays.
    """

    key: pulumi.Output[str]

    def __init__(self, name: str, args: ImageRetentionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bakewell:index:ImageRetention", name, {}, opts)
        policy = {"keep": args["policy"].keep, "pins": sorted(args["policy"].pins)}
        attempts = pulumi.Output.all(**args["attempts"])
        key = attempts.apply(lambda numbers: _digest([policy, args["fingerprints"], numbers]))
        self.command = local.Command(
            name,
            create=f"exec bakewell clean --from-pulumi --cloud {args['cloud']}",
            dir=".",
            stdin="",
            environment={},
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            triggers=[policy, args["fingerprints"], attempts],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args["after"]),
                additional_secret_outputs=["stdout", "stderr"],
                ignore_changes=STACK_OF_BEFORE,
            ),
        )
        # Through stdout, so that a key is exported only once its command has succeeded.
        done = pulumi.Output.unsecret(self.command.stdout)
        self.key = pulumi.Output.all(key, done).apply(lambda values: str(values[0]))
        if pulumi.runtime.is_dry_run():
            pulumi.Output.all(key, args["last_key"]).apply(lambda keys: self._tell(args, *keys))
        self.register_outputs({})

    @refusing
    def _tell(self, args: ImageRetentionArgs, key: str, last_key: str | None) -> None:
        if key == last_key:
            return
        survey = args["survey"]
        wanted = args["fingerprints"]
        found = plan(
            survey.images(),
            survey.references(),
            args["policy"],
            unborn=[role for role, fingerprint in wanted.items() if survey.adoptable(role, fingerprint) is None],
            current=wanted,
            now=survey.now(),
        )
        pulumi.log.info("\n".join(lines(found)), resource=self)


def lines(found: Plan) -> list[str]:
    """The plan as people read it: a line for every image, those that would go first."""
    said = [f"would delete {d.image.name} ({d.image.id}): {'; '.join(d.reasons)}" for d in found.delete]
    said += [f"keeps {d.image.name} ({d.image.id}): {'; '.join(d.reasons)}" for d in found.kept]
    return [f"retention would delete {len(found.delete)} of {len(found.decisions)} images", *said]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
