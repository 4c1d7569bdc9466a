"""Deletes images that are no longer needed: a local Command that runs `bakewell clean`."""

# No `from __future__ import annotations`: Pulumi's analyzer takes a component's schema from annotations as objects.
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import pulumi
from pulumi_command import local

from bakewell.errors import ConfigError
from bakewell.retention import Plan, Policy, plan
from bakewell.validation import Looked
from pulumi_bakewell.arguments import Arguments, kind_of
from pulumi_bakewell.stack.commands import STACK_OF_BEFORE
from pulumi_bakewell.stack.refusal import refusals, refusing
from pulumi_bakewell.stack.session import session


class ImageRetentionArgs(TypedDict, total=False):
    """Inputs of an ImageRetention. The number of images to keep is in the stack's config: `bakewell:keep`."""

    cloud: str | None
    """The cloud whose images are deleted. The first of `bakewell:clouds` by default."""

    record: pulumi.Input[Mapping[str, Any]]
    """The output `record` of the Images of this cloud. Retention runs again when an image in the record changes."""


class ImageRetention(pulumi.ComponentResource):
    """Retention as part of `up`: deletes images that are no longer needed, after all resources in `depends_on`.

    Make it depend on the Images and on everything that boots from them. Retention runs when the policy or an image has
    changed. Schedule `bakewell clean` for images that become unused without such a change. If retention would run, a
    preview lists the images that it would delete, and the reason for each image that stays. A stack has at most one
    ImageRetention for each of its clouds.
    """

    record: dict[str, Any]
    """The input `record`, with the key of the last retention. Export it as `bakewell`."""

    def __init__(self, name: str, args: ImageRetentionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals():
            given = Arguments.of("ImageRetention", name, args, ImageRetentionArgs)
            stack = session()
            wanted = stack.part("ImageRetention", name, given)
            cloud = wanted.desired.cloud
            record = _Record(given.source, cloud, given.get("record"))
            found = {role: record.at("images", role, "attempt") for role in wanted.desired.fingerprints}
            parts = {name: record.at(name) for name in ("images", "identity")}
        super().__init__("bakewell:index:ImageRetention", name, {}, opts)
        # Keyed on the policy and the images, never on the plan: executing a plan changes the next plan, and the next
        # preview would show a change.
        rules = _policy(wanted)
        policy = {"keep": rules.keep, "pins": sorted(rules.pins)}
        fingerprints = {role: found.value for role, found in wanted.desired.fingerprints.items()}
        # An attempt goes through the engine as a float where a plugin is asked.
        attempts = pulumi.Output.all(**found).apply(lambda built: {role: int(built[role]) for role in built})
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
        self.record = {cloud: {**parts, "retention": {"key": told}}}
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


@dataclass(frozen=True, slots=True)
class _Record:
    """The record that a program gives, of which a preview knows all but the images that would be built."""

    source: str
    cloud: str
    given: Any

    def at(self, *path: str) -> Any:
        """What it has of its cloud at a path: plain, or an Output. Raises ConfigError where it has nothing there."""
        value = self.given
        for depth, key in enumerate((self.cloud, *path)):
            value = self._part(value, key, (self.cloud, *path)[:depth])
        return value

    def _part(self, value: Any, key: str, path: Sequence[str]) -> Any:
        if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
            whole: pulumi.Output[Any] = pulumi.Output.from_input(value)
            return whole.apply(refusing(lambda known: self._part(known, key, path)))
        if isinstance(value, Mapping) and key in value:
            return value[key]
        if value is None and not path:
            fault = "`record` is missing"
        elif not isinstance(value, Mapping):
            fault = f"`{'.'.join(('record', *path))}` is {kind_of(value)}, where a map is expected"
        elif not path and value:
            fault = f"`record` is not of {key} but of {', '.join(value)}"
        else:
            fault = f"`record` has no `{'.'.join((*path, key))}`"
        remedy = f"give it the output `record` of the Images on {self.cloud}"
        raise ConfigError(f"{self.source}: {fault}", remedy=remedy)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
