"""The project that the local cloud works for, and where this cloud's state has that project's stacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bakewell import project
from bakewell.cli.common import Project as Operated
from bakewell.errors import ConfigError
from bakewell.settings import Environment, Settings, load_settings
from bakewell.settings.files import project_name, project_runtime

STATE = ".bakewell"
DEFAULT_STACK = "dev"


@dataclass(frozen=True)
class Project:
    """One project.

    Attributes:
        root: its folder, with Pulumi.yaml and packer/.
        state: the folder of its local cloud.
    """

    root: Path
    state: Path

    @classmethod
    def here(cls, state: Path | None = None) -> Project:
        """The project of the working directory; its cloud is in `.bakewell` there unless `state` is given.

        Raises:
            ConfigError: there is none.
        """
        root = project.root()
        return cls(root, state.absolute() if state else root / STATE)

    @property
    def name(self) -> str:
        """What its Pulumi.yaml calls it. Raises ConfigError where that says no name."""
        return project_name(self.root)

    @property
    def runtime(self) -> str:
        """What its program is run by: "python", "yaml", "nodejs", … Raises ConfigError where Pulumi.yaml says none."""
        return project_runtime(self.root)

    def settings(self, stack: str) -> Settings:
        """The stack's config.

        Raises:
            ConfigError: it cannot be read, or the stack is not for the local cloud.
        """
        settings = load_settings(stack, self.root)
        if not settings.local:
            raise ConfigError(
                f"stack {stack} is not for the local cloud: it has no bakewell:local",
                file=self.root / f"Pulumi.{stack}.yaml",
                remedy='choose another by --stack, or write `bakewell:local: "true"` there if it may run here only',
            )
        return settings

    def known(self) -> list[str]:
        """The stacks that were made in this cloud."""
        return sorted(file.stem for file in self.stack_file("x").parent.glob("*.json"))

    def known_on(self, cloud: str) -> list[str]:
        """Those of `known` that are on a cloud; without one whose file is gone or wrong, which nobody can refresh."""
        found = []
        for stack in self.known():
            with suppress(ConfigError):
                found += [stack] if cloud in self.settings(stack).clouds else []
        return found

    def stack_file(self, stack: str) -> Path:
        """Where Pulumi keeps a stack's state."""
        return self.state / "stacks/.pulumi/stacks" / self.name / f"{stack}.json"

    def locks(self, stack: str) -> Path:
        """The folder of the locks that runs hold on a stack."""
        return self.state / "stacks/.pulumi/locks/organization" / self.name / stack

    def needs_mirror(self, stack: str) -> bool:
        """Whether an image of the stack has something that vendors publish, for which the mirror stands in.

        False also for files that cannot be read: `up` says what is wrong with them.
        """
        from bakewell.downloads import declared, used

        try:
            operated = Operated(self.root, Environment.read({**os.environ, "BAKEWELL_STACK": stack}))
            catalog = operated.catalog
            found = declared(catalog)
            specs = [catalog[role] for role in catalog.select(operated.settings.roles)]
            return any(spec.compose is not None or any(True for _ in used(spec, found)) for spec in specs)
        except ConfigError:
            return False


def stack_of(environ: Mapping[str, str]) -> str:
    """The stack that variables name, as every command of `bakewell` reads them."""
    named = environ.get("BAKEWELL_STACK") or environ.get("PULUMI_STACK") or DEFAULT_STACK
    return named.rpartition("/")[2]
