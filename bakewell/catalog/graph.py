"""All images together: a graph of parents and children, checked as a whole before anything is built."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from bakewell.catalog.layers import Layers
from bakewell.catalog.programs import Programs
from bakewell.catalog.role import Role
from bakewell.catalog.shared_values import SharedFile
from bakewell.catalog.spec import ImageSpec, load_specs
from bakewell.errors import ConfigError, file_error
from bakewell.reading import did_you_mean, looking


class Catalog:
    """The images of a project's packer/.

    Iterating gives the specs, parents first, otherwise by name; `catalog["web"]` gives one.

    Attributes:
        packer_dir: the project's packer/.
        layers: where the files that images share come from.
        roles: every role, parents before children, otherwise by name.
        max_context_mb: how large an image's context may be, in MB (10^6 bytes).
    """

    def __init__(self, packer_dir: Path, specs: Collection[ImageSpec], *, max_context_mb: int = 100) -> None:
        """Use `Catalog.load`. Raises ConfigError for an unknown parent or a cycle."""
        self.packer_dir = packer_dir
        self.layers = Layers.of(packer_dir)
        self.max_context_mb = max_context_mb
        self._specs = {spec.role: spec for spec in sorted(specs, key=lambda spec: spec.role)}
        self._machine_roles = {role.name: role for role in (spec.own_role for spec in self._specs.values())}
        self.roles: tuple[str, ...] = tuple(role for wave in self._waves() for role in wave)

    @classmethod
    def load(cls, packer_dir: Path, *, max_context_mb: int = 100) -> Catalog:
        """Read and check every packer/images/<role>/.

        Raises:
            ConfigError: naming file, key and remedy: see `spec.load_specs`; besides, an unknown parent, a cycle, an
                import that a build does not have (`programs`), an unreadable folder, or no image.
        """
        packer_dir = packer_dir.absolute()
        with looking("the catalog", packer_dir):
            return cls._read(packer_dir, max_context_mb)

    @classmethod
    def _read(cls, packer_dir: Path, max_context_mb: int) -> Catalog:
        images = packer_dir / "images"
        try:
            folders = sorted(entry.name for entry in os.scandir(images) if entry.is_dir() and entry.name[0] not in "._")
        except (FileNotFoundError, NotADirectoryError) as error:
            remedy = "run this in a Bakewell project, or create packer/images/<role>/image.toml"
            raise file_error(error, "no images", file=images, remedy=remedy) from None
        if not folders:
            raise ConfigError("there is no image", file=images, remedy="create packer/images/<role>/image.toml")
        shared, programs = SharedFile.of(packer_dir), Programs(Layers.of(packer_dir))
        found = [spec for name in folders for spec in load_specs(images / name, shared)]
        _each_once(found)
        specs = [spec.model_copy(update={"steps": programs.steps(spec)}) for spec in found]
        catalog = cls(packer_dir, specs, max_context_mb=max_context_mb)
        catalog._check_builders()
        catalog.peers_first()
        return catalog

    def __getitem__(self, role: str) -> ImageSpec:
        """The image of `role`. Raises ConfigError where there is none."""
        if role not in self._specs:
            raise ConfigError(
                f"there is no image `{role}`{did_you_mean(role, self._specs)}",
                file=self.packer_dir / "images",
                remedy=f"choose one of: {', '.join(self.roles)}",
            )
        return self._specs[role]

    def __iter__(self) -> Iterator[ImageSpec]:
        return (self._specs[role] for role in self.roles)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, role: object) -> bool:
        return role in self._specs

    def ancestors(self, role: str) -> tuple[str, ...]:
        """What `role` is built on, nearest first."""
        chain: list[str] = []
        parent = self[role].parent
        while parent is not None:
            chain.append(parent)
            parent = self[parent].parent
        return tuple(chain)

    def select(self, roles: Collection[str]) -> tuple[str, ...]:
        """`roles` and all they are built on, parents first; every role where `roles` is empty.

        Raises:
            ConfigError: a role that is not in the catalog.
        """
        wanted = {name for role in roles for name in (role, *self.ancestors(role))}
        return tuple(role for role in self.roles if role in wanted or not roles)

    def role(self, name: str) -> Role:
        """The role of machines called `name`. Raises ConfigError where there is none."""
        self._check_known(name, f"there is no role `{name}`", self.packer_dir / "images")
        return self._machine_roles[name]

    @property
    def machine_roles(self) -> tuple[str, ...]:
        """Names of the roles of machines, sorted."""
        return tuple(self._machine_roles)

    def peers_first(self) -> tuple[str, ...]:
        """Every role of machines, those that others have to find (`[boot] peers`) before these.

        Raises:
            ConfigError: a peer that is no role, or roles that have to find each other.
        """
        graph = {role.name: role.boot.peers for role in self._machine_roles.values()}
        for role in self._machine_roles.values():
            for peer in role.boot.peers:
                self._check_known(peer, f"role {role.name}: `peers` names `{peer}`, which is no role", role.file)
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            ring = list(reversed(error.args[1]))
            raise ConfigError(
                f"role {ring[0]}: its `peers` lead back to itself: {' -> '.join(ring)}",
                file=self._machine_roles[ring[0]].file,
                remedy="have Consul tell one of them (consul.watches), which needs no order",
            ) from error

    def step_path(self, name: str) -> Path | None:
        """The file or folder of the step `name`, or None where no layer has it."""
        return self.layers.step(name)

    def _waves(self) -> tuple[tuple[str, ...], ...]:
        """Roles by depth: those of a wave are built only on roles of earlier ones."""
        for spec in self._specs.values():
            if spec.parent is not None and spec.parent not in self._specs:
                raise ConfigError(
                    f"image {spec.role}: `parent` is `{spec.parent}`, which is no image"
                    f"{did_you_mean(spec.parent, self._specs)}",
                    file=spec.file,
                    remedy=f"name one of: {', '.join(r for r in self._specs if r != spec.role)}; or use `base`",
                )
        waves: list[tuple[str, ...]] = []
        done: set[str] = set()
        while len(done) < len(self._specs):
            wave = tuple(
                s.role for s in self._specs.values() if s.role not in done and (not s.parent or s.parent in done)
            )
            if not wave:
                raise self._cycle(done)
            waves.append(wave)
            done.update(wave)
        return tuple(waves)

    def _cycle(self, done: set[str]) -> ConfigError:
        chain = [next(role for role in self._specs if role not in done)]
        while chain[-1] not in chain[:-1]:
            chain.append(self._specs[chain[-1]].parent or "")
        chain = chain[chain.index(chain[-1]) :]
        return ConfigError(
            f"image {chain[0]}: its `parent` leads back to itself: {' -> '.join(chain)}",
            file=self._specs[chain[0]].file,
            remedy="give one of them a `base`, or another `parent`",
        )

    def _check_known(self, role: str, fault: str, file: Path) -> None:
        if role not in self._machine_roles:
            raise ConfigError(
                f"{fault}{did_you_mean(role, self._machine_roles)}",
                file=file,
                remedy=f"name one of: {', '.join(self._machine_roles)}",
            )

    def _check_builders(self) -> None:
        """An image has its parent's processors, and a disk that holds its parent's."""
        for spec in self:
            for role in self.ancestors(spec.role):
                parent = self[role]
                if parent.arch != spec.arch:
                    raise ConfigError(
                        f"image {spec.role}: `arch` is {spec.arch}, and its parent {role} is for {parent.arch}",
                        file=spec.file,
                        remedy="give both the same `arch`; variants make an image for each",
                    )
                if spec.disk_gb is not None and parent.disk_gb is not None and spec.disk_gb < parent.disk_gb:
                    raise ConfigError(
                        f"image {spec.role}: `disk_gb` is {spec.disk_gb}, and its parent {role} has a disk of "
                        f"{parent.disk_gb} GB",
                        file=spec.file,
                        remedy="leave `disk_gb` out: the disk is as large as the parent's then",
                    )


def _each_once(specs: Collection[ImageSpec]) -> None:
    """Raise ConfigError where a variant has the name of another image."""
    seen: dict[str, ImageSpec] = {}
    for spec in specs:
        other = seen.setdefault(spec.role, spec)
        if other is not spec:
            raise ConfigError(
                f"image {spec.role} is there twice: also in {other.folder}",
                file=spec.file,
                remedy="rename the variant, or the folder",
            )
