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
from bakewell_local.sandbox.local_cloud import ENTRIES

STATE = ".bakewell"
MADE_FIRST = ("pulumi-home", "stacks")
"""The folders that the start of a local cloud makes before any other."""
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

    def check_removable(self) -> None:
        """Refuse to remove what is not a local cloud's state: a folder of another kind, a link to one, a home.

        A folder that is not there is fine, and so is the project's own `.bakewell`, whatever is in it.

        Raises:
            ConfigError: the folder is not a local cloud's state.
        """
        if trouble := self._unlike_a_state():
            raise ConfigError(
                f"this is not the state of a local cloud: {trouble}",
                file=self.state,
                remedy="nothing was removed; name the folder that `bakewell local up` was given as --state, or leave "
                f"--state out for {self.root / STATE}; remove this folder by hand if you mean it",
            )

    def _unlike_a_state(self) -> str:
        """What speaks against removing the state's folder; empty where nothing does."""
        if self.state.is_symlink():
            return f"it is a link to {self.state.resolve()}"
        folder = self.state.resolve()
        for other, name in ((self.root, "the project"), (Path.home(), "the home folder")):
            if other.resolve().is_relative_to(folder):
                return f"{name} is in it" if other.resolve() != folder else f"it is {name}"
        if folder == self.root.resolve() / STATE or not folder.exists():
            return ""
        if not folder.is_dir():
            return "it is no folder"
        if missing := [name for name in MADE_FIRST if not (folder / name).is_dir()]:
            return f"it has no {' and no '.join(missing)}"
        others = sorted(path.name for path in folder.iterdir() if path.name not in ENTRIES)
        return f"it has {others[0]}, which no local cloud makes" if others else ""

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
