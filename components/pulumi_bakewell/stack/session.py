"""The session that the components of one run share: settings, the inventory of each cloud, the stack's record.

The first component or function that needs the session starts it. The session reads every cloud of the stack before any
resource is created: an error on one cloud prevents changes on all clouds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG

from bakewell import project
from bakewell.clouds import connect
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean
from bakewell.settings import Environment, Settings
from bakewell.validation import Looked, look, looked, unset_secrets, validate_unbuilt
from pulumi_bakewell.arguments import Arguments
from pulumi_bakewell.stack import commands, patience
from pulumi_bakewell.stack.config import stack_file, stack_settings
from pulumi_bakewell.stack.outputs import EXPORT, StackOutputs, last_outputs, remembered
from pulumi_bakewell.stack.refusal import in_program, interrupts_in_silence, refusals


@dataclass(frozen=True)
class Session:
    """One run of one stack.

    Attributes:
        root: the project's folder.
        clouds: by name, in the order of the settings; nothing about any of them is refused.
        last: the record that the stack exported last.
        first_name: what the stack was called at its first `up`: what outlives a rename of it is called by that.
    """

    root: Path
    settings: Settings
    environment: Environment
    clouds: Mapping[str, Looked]
    last: pulumi.Output[StackOutputs]
    first_name: pulumi.Output[str]
    _providers: dict[str, pulumi.ProviderResource] = field(default_factory=dict)
    _made: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def begin(cls) -> Session:
        """Read and check everything. Creates no resource.

        Raises:
            BakewellError: invalid input of a build or a machine; an error of a cloud.
        """
        interrupts_in_silence()
        patience.install()
        root = project.root()
        settings = stack_settings(root)
        environment = Environment.read(os.environ)
        environment.check(settings)
        commands.check()
        commands.announce(environment)
        last = last_outputs().apply(_last)
        clouds: dict[str, Looked] = {cloud: _look(cloud, settings, environment, root) for cloud in settings.clouds}
        return cls(root, settings, environment, clouds, last, last.apply(_first_name))

    def part(self, kind: str, name: str, given: Arguments) -> Looked:
        """What the stack wants on the cloud of a component, which is the only one of its kind there.

        Args:
            kind: the component's: "Images", "Machines" or "ImageRetention".
            name: the component's own.
            given: its arguments; without `cloud`, it is for the first of the stack's.

        Raises:
            ConfigError: the cloud is none of the stack's, or another component of the kind is for it.
        """
        known = ", ".join(self.clouds)
        cloud = given.text("cloud", f"name one of the stack's clouds ({known}), or leave it out")
        cloud = cloud or self.settings.clouds[0]
        if cloud not in self.clouds:
            raise ConfigError(
                f"{given.source}: the stack is on {known}, not on `{cloud}`{did_you_mean(cloud, self.clouds)}",
                file=stack_file(self.root),
                remedy="name one of those, or add it to bakewell:clouds",
            )
        other = self._made.get((kind, cloud))
        # A plugin leaves two of one name to the engine, which refuses them.
        if other is not None and (other != name or in_program()):
            free = [each for each in self.clouds if (kind, each) not in self._made]
            elsewhere = f", or set the `cloud` of one to {' or '.join(free)}" if free else ""
            raise ConfigError(
                f"{given.source}: {kind} `{other}` is for {cloud} already, and a stack has one for each of its clouds",
                remedy=f"remove one of the two{elsewhere}",
            )
        self._made[kind, cloud] = name
        return self.clouds[cloud]

    def with_machines(self, cloud: str, machines: Mapping[str, object], source: str) -> Looked:
        """What the stack wants on a cloud, with other machines than stack config has.

        Args:
            machines: "droplets", "instances", "fleets" or "containers" to machines by role, as in stack config.
            source: the component that has them, for messages.

        Raises:
            BakewellError: a machine is invalid.
        """
        known = self.clouds[cloud]
        settings = self.settings.with_machines(cloud, machines, source)
        if settings == self.settings:
            return known
        return looked(known.survey, cloud, settings, self.environment, self.root, file=source)

    def provider(
        self, cloud: str, component: pulumi.Resource, make: Callable[[], pulumi.ProviderResource]
    ) -> pulumi.ProviderResource:
        """The provider of a component's resources on a cloud.

        The provider in the component's options (`providers`), otherwise a provider that all components share, because
        the engine starts a process for each provider.
        """
        given = component.get_provider(f"{cloud}:index:Any")
        if given is not None:
            return given
        if cloud not in self._providers:
            self._providers[cloud] = make()
        return self._providers[cloud]


_key: tuple[Any, ...] = ()
_session: Session | None = None


def session() -> Session:
    """The session of this run.

    Raises:
        BakewellError: as `Session.begin`.
    """
    global _key, _session
    config = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    # A program is one run. A plugin gets a request for each component, each with its own context.
    key = (
        pulumi.runtime.get_root_resource(),
        pulumi.get_organization(),
        pulumi.get_project(),
        pulumi.get_stack(),
        pulumi.runtime.is_dry_run(),
        config,
    )
    if _session is None or key != _key:
        _key, _session = key, Session.begin()
    return _session


def clouds() -> list[str]:
    """The stack's clouds (`bakewell:clouds`). A program creates components for each of them."""
    with refusals():
        return list(session().clouds)


def _look(cloud: str, settings: Settings, environment: Environment, root: Path) -> Looked:
    found = look(connect(cloud, environment, settings), cloud, settings, environment, root, file=stack_file(root))
    validate_unbuilt(found.desired, found.survey, environment)
    for remark in (*found.remarks, *unset_secrets(found.desired, found.survey, os.environ)):
        pulumi.log.warn(remark)
    return found


def _first_name(last: StackOutputs) -> str:
    return last.identity.name if last.identity else pulumi.get_stack()


def _exports_record(values: Mapping[str, Any]) -> bool:
    """Whether the stack exports its record: in this run, or for a plugin, which does not see the program, at its last.

    A plugin takes a stack without any outputs for a new one.
    """
    if not in_program():
        return not values or EXPORT in values
    return EXPORT in getattr(pulumi.runtime.get_root_resource(), "outputs", {})


def _last(values: Mapping[str, Any]) -> StackOutputs:
    if pulumi.runtime.is_dry_run() and not _exports_record(values):
        pulumi.log.warn(
            f"the stack exports no `{EXPORT}`, by which Bakewell knows what it made: an image that is lost is not "
            "rebuilt by itself\n"
            f'  remedy: pulumi.export("{EXPORT}", record), with the output `record` of ImageRetention or Images; see '
            "docs/outputs.md"
        )
    return remembered(values)
