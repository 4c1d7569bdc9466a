"""The Python that a build of an image runs, followed from file to file: which steps it uses, and that it is all hashed.

A build runs before.py, deploy.py and after.py, the image's checks.py and those of its steps. They may import the
standard library, PyInfra, testinfra, steps, and modules that are staged with them; nothing else is an input of the
build, so nothing else may be imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakewell.catalog.imports import PACKAGE, Import, Source, read_source
from bakewell.catalog.layers import Layers
from bakewell.catalog.spec import ImageSpec
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean

DEPLOYS = ("before.py", "deploy.py", "after.py")
"""What PyInfra runs, in this order. The first and the last are shared."""

CHECKS = "checks.py"
_ENTRIES = (*DEPLOYS, CHECKS, "conftest.py", "inventory.py")

PACKAGES = frozenset({"pyinfra", "testinfra", "pytest", "pydantic", "typing_extensions"})
"""What may be imported besides the standard library: what packer/requirements.txt states, the test runner that
testinfra is a plugin of, the models that PyInfra's own arguments are checked with, and the types that these take."""

_REMEDY = "use the standard library, PyInfra or a step, or put the module beside deploy.py"


@dataclass(frozen=True, slots=True)
class _File:
    """A file to read: what it is called in the context, and the package that it lies in."""

    path: Path
    name: str
    package: tuple[str, ...] = ()


class Programs:
    """Finds the steps of images. Each file is looked for and read once, however many images run it."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._sources: dict[tuple[Path, tuple[str, ...]], Source] = {}
        self._modules: dict[tuple[Path, tuple[str, ...]], list[_File] | None] = {}

    def steps(self, spec: ImageSpec) -> tuple[str, ...]:
        """The steps that the image's files import, also by way of other steps, by name.

        Raises:
            ConfigError: a file that cannot be read; an import of something that a build does not have, or of a step
                that does not exist; a deploy.py that seals where after.py does; an image that nothing checks.
        """
        return _Walk(self, spec).steps()

    def source(self, file: _File) -> Source:
        key = (file.path, file.package)
        if key not in self._sources:
            self._sources[key] = read_source(*key)
        return self._sources[key]

    def entry(self, spec: ImageSpec, name: str) -> Path | None:
        """The file `name` at the top of the image's context; None where there is none."""
        folders = [layer.folder for layer in self._layers] + [spec.folder]
        return next((path for folder in reversed(folders) if (path := folder / name).is_file()), None)

    def module(self, spec: ImageSpec, parts: tuple[str, ...]) -> list[_File]:
        """The files that an import of a module at the top of the context runs; [] where there is none."""
        for folder in (spec.folder, *(layer.folder for layer in reversed(list(self._layers)))):
            if (found := self._below(folder, parts)) is not None:
                return found
        return []

    def _below(self, folder: Path, parts: tuple[str, ...]) -> list[_File] | None:
        """The files below a folder that an import runs; None where the folder has no module of that name."""
        key = (folder, parts)
        if key not in self._modules:
            there = (folder / f"{parts[0]}.py").is_file() or any((folder / parts[0]).glob("**/*.py"))
            self._modules[key] = list(_module(folder, parts)) if there else None
        return self._modules[key]

    def step(self, spec: ImageSpec, found: Import, by: _File) -> list[_File] | None:
        """The files that an import of a step runs, its checks included; None for what is no step."""
        name = found.module[1]
        path = self._layers.step(name)
        if path is None and not found.certain and len(found.module) == 2:
            return None  # What steps/__init__.py defines.
        if path is None:
            known = self._layers.step_names()
            raise ConfigError(
                f"image {spec.role}: line {found.line} of {by.name} imports {PACKAGE}.{name}, which does not exist"
                f"{did_you_mean(name, known)}",
                file=by.path,
                remedy=f"write packer/steps/{name}.py, or choose from: {', '.join(known) or 'none yet'}",
            )
        if path.is_file() and path.with_suffix("").is_dir():
            raise ConfigError(f"step {name} is both {name}.py and a folder", file=path, remedy="remove one of the two")
        files = [
            _File(f.path, f"{PACKAGE}/{f.name}", (PACKAGE, *f.package)) for f in _module(path.parent, found.module[1:])
        ]
        checks = path / CHECKS
        return [*files, _File(checks, f"{PACKAGE}/{name}/{CHECKS}", (PACKAGE, name))] if checks.is_file() else files

    def init(self) -> Path | None:
        return self._layers.steps_init()


class _Walk:
    """One image's."""

    def __init__(self, programs: Programs, spec: ImageSpec) -> None:
        self._programs, self._spec = programs, spec
        self._steps: set[str] = set()
        self._seen: dict[Path, _File] = {}
        self._todo: list[_File] = []

    def steps(self) -> tuple[str, ...]:
        for name in _ENTRIES:
            if (path := self._programs.entry(self._spec, name)) is not None:
                self._add([_File(path, name)])
        if (init := self._programs.init()) is not None:
            self._add([_File(init, f"{PACKAGE}/__init__.py", (PACKAGE,))])
        while self._todo:
            file = self._todo.pop(0)
            source = self._programs.source(file)
            for found in source.imports:
                self._follow(file, found)
            for text, line in source.includes:
                self._include(file, text, line)
        self._check_sealing()
        self._check_checks()
        return tuple(sorted(self._steps))

    def _add(self, files: list[_File]) -> None:
        for file in files:
            if file.path not in self._seen:
                self._seen[file.path] = file
                self._todo.append(file)

    def _follow(self, file: _File, found: Import) -> None:
        root = found.module[0]
        if root == PACKAGE:
            if len(found.module) > 1:
                files = self._programs.step(self._spec, found, file)
                if files is not None:
                    self._steps.add(found.module[1])
                    self._add(files)
            return
        own = self._programs.module(self._spec, found.module)
        self._add(own)
        if own or root in sys.stdlib_module_names or root in PACKAGES:
            return
        raise ConfigError(
            f"image {self._spec.role}: line {found.line} of {file.name} imports {root}, which no build has: "
            "a fingerprint could not tell one version of it from another",
            file=file.path,
            remedy=_REMEDY,
        )

    def _include(self, file: _File, text: str, line: int) -> None:
        path = self._programs.entry(self._spec, text)
        if path is None:
            raise ConfigError(
                f"image {self._spec.role}: line {line} of {file.name} includes {text}, which does not exist",
                file=file.path,
                remedy=f"write {self._spec.folder.name}/{text}, or remove the line",
            )
        self._add([_File(path, text)])

    def _check_sealing(self) -> None:
        sealing = {name: line for name, line in self._sealing() if not name.startswith(f"{PACKAGE}/")}
        after = sealing.pop(DEPLOYS[-1], None)
        if after is None or not sealing:
            return
        name, line = sorted(sealing.items())[0]
        raise ConfigError(
            f"image {self._spec.role}: line {line} of {name} seals the image, and {DEPLOYS[-1]} does so after it",
            file=next(path for path, file in self._seen.items() if file.name == name),
            remedy="remove that line: every image is sealed, after its deploy.py",
        )

    def _sealing(self) -> Iterator[tuple[str, int]]:
        for file in self._seen.values():
            line = self._programs.source(file).seals
            if line is not None:
                yield file.name, line

    def _check_checks(self) -> None:
        if not any(file.name.rpartition("/")[2] == CHECKS for file in self._seen.values()):
            raise ConfigError(
                f"image {self._spec.role}: nothing checks it: {CHECKS} is missing, and no step of it has checks",
                file=self._spec.folder / CHECKS,
                remedy="write one, which tests the machine before the snapshot",
            )


def _module(folder: Path, parts: tuple[str, ...]) -> Iterator[_File]:
    """The files below `folder` that an import of `parts` runs: of each package on the way, then of the module."""
    name, package = "", tuple[str, ...]()
    for part in parts:
        if (file := folder / f"{part}.py").is_file():
            yield _File(file, f"{name}{part}.py", package)
            return
        folder, name, package = folder / part, f"{name}{part}/", (*package, part)
        if (file := folder / "__init__.py").is_file():
            yield _File(file, f"{name}__init__.py", package)
