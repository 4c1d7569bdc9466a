"""The folders that a build's files come from: what the installed package ships, then the project's packer/.

A file of the project takes the place of the package's file of the same path. A step is taken as a whole, from the
project if it has one of that name: half a step from each is a step that nobody has tested. A role's own folder is
the third layer, which `context` lays over these two.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakewell.catalog.imports import PACKAGE
from bakewell.errors import ConfigError

PROJECTS_OWN = frozenset({"bases.lock", "ejected.lock", "shared.toml"})
"""Files directly in packer/ that belong to the project and not to images."""

NOTES = frozenset({"README.md"})
"""Left out where it lies directly in packer/, packer/steps/, a step's folder or a role's folder: notes for people."""


def _shipped() -> Path:
    """A wheel has the shared files inside the package; in a checkout of Bakewell they are the repository's packer/."""
    package = Path(__file__).parents[1]
    inside = package / "packer"
    return inside if inside.is_dir() else package.parent / "packer"


SHARED = _shipped()
"""The shared files of the installed package."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the folders. `name`: "shared" or "project"."""

    name: str
    folder: Path

    def step(self, name: str) -> Path | None:
        """The file or folder of the step `name`, or None where this layer has none.

        A folder without a Python file is no step: a removed step may leave its bytecode behind.

        Raises:
            OSError: a folder that cannot be read.
        """
        module, package = self.folder / PACKAGE / f"{name}.py", self.folder / PACKAGE / name
        if module.is_file():
            return module
        if not package.is_dir():
            return None
        with os.scandir(package) as entries:
            return package if any(entry.name.endswith(".py") for entry in entries) else None

    def step_names(self) -> set[str]:
        """Every step that this layer has, by name. Raises OSError for a folder that cannot be read."""
        entries = (path.stem for path in (self.folder / PACKAGE).glob("*"))
        return {name for name in entries if name[0] not in "._" and self.step(name)}


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a project.

    Attributes:
        shared: the installed package's; None where that is the project's own folder, as in a checkout of Bakewell.
        project: the project's packer/.
    """

    shared: Layer | None
    project: Layer

    @classmethod
    def of(cls, packer_dir: Path) -> Layers:
        """The layers of the project with this packer/. Raises ConfigError where the package has lost its own."""
        if not SHARED.is_dir():
            raise ConfigError("the shared files are missing", file=SHARED, remedy="install the package bakewell again")
        if packer_dir.resolve() == SHARED.resolve():
            return cls(None, Layer("shared", packer_dir))
        return cls(Layer("shared", SHARED), Layer("project", packer_dir))

    def __iter__(self) -> Iterator[Layer]:
        """From the first to the last, whose files count."""
        if self.shared is not None:
            yield self.shared
        yield self.project

    def step(self, name: str) -> Path | None:
        """The file or folder that counts as the step `name`, or None where no layer has it."""
        shared = self.shared.step(name) if self.shared else None
        return self.project.step(name) or shared

    def steps_init(self) -> Path | None:
        """The steps/__init__.py that counts, or None."""
        found = [path for layer in self if (path := layer.folder / PACKAGE / "__init__.py").is_file()]
        return found[-1] if found else None

    def step_names(self) -> list[str]:
        """Every step that a layer has, by name."""
        return sorted({name for layer in self for name in layer.step_names()})
