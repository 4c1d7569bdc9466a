"""Removing images that nobody needs any more: a local Command that runs `bakewell clean`."""

# No `from __future__ import annotations`: Pulumi's analyzer takes a component's schema from annotations as objects.
import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi
from pulumi_command import local

from bakewell.errors import ConfigError
from bakewell.retention import Plan, Policy, plan
from bakewell.validation import Looked
from pulumi_bakewell.stack.commands import STACK_OF_BEFORE
from pulumi_bakewell.stack.refusal import refusals, refusing
from pulumi_bakewell.stack.session import session


class ImageRetentionArgs(TypedDict, total=False):
    """What an ImageRetention is made from. How many images stay is in the stack's config: `bakewell:keep`."""

    cloud: str | None
    """The cloud whose images it cleans up. The first of `bakewell:clouds` by default."""

    record: pulumi.Input[Mapping[str, Any]]
    """The output `record` of the Images of that cloud. New content, or the same built again, has it look again."""


class ImageRetention(pulumi.ComponentResource):
    """Retention as part of `up`: what nobody needs any more is deleted once all that `depends_on` names is settled.

    Let it depend on the Images and on whatever boots from them. It runs again when the policy or an image has changed;
    what depends on time alone belongs to a scheduled `bakewell clean`. A preview in which it would run says what would
    go, and why each other image stays. A stack has at most one for each of its clouds.
    """

    record: dict[str, Any]
    """The record that it was given, with what retention last ran for. Export it as `bakewell`."""

    def __init__(self, name: str, args: ImageRetentionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            stack = session()
            cloud = args.get("cloud") or stack.settings.clouds[0]
            wanted = stack.on(cloud)
            record = _record(f"ImageRetention `{name}`", args.get("record"), cloud)
        super().__init__("bakewell:index:ImageRetention", name, {}, opts)
        # Keyed on the policy and on what is built, never on the plan: a plan changes by being carried out, and then the
        # next preview would not be quiet.
        rules = _policy(wanted)
        policy = {"keep": rules.keep, "pins": sorted(rules.pins)}
        fingerprints = {role: found.value for role, found in wanted.desired.fingerprints.items()}
        # An attempt goes through the engine as a float where a plugin is asked.
        built = {role: pulumi.Output.from_input(record["images"][role]["attempt"]).apply(int) for role in fingerprints}
        attempts = pulumi.Output.all(**built)
        key = attempts.apply(lambda numbers: _digest([policy, fingerprints, numbers]))
        self.command = local.Command(
            name,
            create=f"exec bakewell clean --from-pulumi --cloud {cloud}",
            dir=".",
            stdin="",
            environment={},
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            triggers=[policy, fingerprints, attempts],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=opts.depends_on if opts else None,
                additional_secret_outputs=["stdout", "stderr"],
                ignore_changes=STACK_OF_BEFORE,
            ),
        )
        # Through stdout, so that a key is exported only once its command has succeeded.
        done = pulumi.Output.unsecret(self.command.stdout)
        told = pulumi.Output.all(key, done).apply(lambda values: str(values[0]))
        if pulumi.runtime.is_dry_run():
            last_key = stack.last.apply(lambda last: last.retention_key(cloud))
            pulumi.Output.all(key, last_key).apply(lambda keys: self._tell(wanted, *keys))
        parts = {"images": record["images"], "identity": record["identity"], "retention": {"key": told}}
        self.record = {cloud: parts}
        self.register_outputs({"record": self.record})

    @refusing
    def _tell(self, wanted: Looked, key: str, last_key: str | None) -> None:
        if key == last_key:
            return
        survey = wanted.survey
        current = {role: found.value for role, found in wanted.desired.fingerprints.items()}
        found = plan(
            survey.images(),
            survey.references(),
            _policy(wanted),
            unborn=[role for role, fingerprint in current.items() if survey.adoptable(role, fingerprint) is None],
            current=current,
            now=survey.now(),
        )
        pulumi.log.info("\n".join(lines(found)), resource=self)


def lines(found: Plan) -> list[str]:
    """The plan as people read it: a line for every image, those that would go first."""
    said = [f"would delete {d.image.name} ({d.image.id}): {'; '.join(d.reasons)}" for d in found.delete]
    said += [f"keeps {d.image.name} ({d.image.id}): {'; '.join(d.reasons)}" for d in found.kept]
    return [f"retention would delete {len(found.delete)} of {len(found.decisions)} images", *said]


def _policy(wanted: Looked) -> Policy:
    settings = wanted.desired.settings
    pins = frozenset(settings.pins_on(wanted.desired.cloud).values())
    return Policy(settings.keep, pins, settings.project)


def _record(source: str, record: Any, cloud: str) -> Any:
    """A cloud's part of a record, which in a preview is known but for the images that would be built."""
    remedy = f"give it the output `record` of the Images on {cloud}"
    if record is None:
        raise ConfigError(f"{source}: `record` is missing", remedy=remedy)
    if not isinstance(record, Mapping):
        return pulumi.Output.from_input(record)[cloud]
    if cloud not in record:
        raise ConfigError(f"{source}: `record` is not of {cloud} but of {', '.join(record)}", remedy=remedy)
    return record[cloud]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
