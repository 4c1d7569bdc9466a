"""Putting a context together: shared files, the image's own folder, the steps it declares, generated files.

A build runs in a fresh folder that holds exactly these files, so what is not in the fingerprint cannot change the
image. Nothing is written into the folders that are hashed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from bakewell.bases import Bases
from bakewell.catalog import Catalog, ImageSpec
from bakewell.catalog.spec import FILE
from bakewell.clouds.facts import CLOUDS
from bakewell.context.bootstrap import check_bootstrap
from bakewell.context.find import DOWNLOADS, GENERATED, ROLE, SHARED, find, layer_of, shared_files, to_hash
from bakewell.context.frames import Frames
from bakewell.context.hashing import Content, File, copy, hash_files
from bakewell.context.walk import Found
from bakewell.downloads import Declared, declared, used
from bakewell.errors import ConfigError, ContextError, file_error
from bakewell.reading import looking

BOOTSTRAP = "bootstrap.yaml"
"""user_data of the building machine: what it needs before Packer can log in. Only where an image has such a file."""

SEEN: dict[str, bool | set[str]] = {
    "parent": True,
    "base": True,
    "versions": True,
    "variables": True,
    "rebuild": {"note"},
    "boot": {"services", "health"},
    "consul": {"mode", "service"},
    "compose": True,
}
"""What of image.toml can change an image. The rest is neither staged nor part of a fingerprint: no build reads it.
The builder's size is in GENERATED, the window of rebuilds in the fingerprint itself."""

MANY = 500
"""Above so many files, `Context.digests` has one entry a folder."""

_MTIME = 946_684_800  # 2000-01-01 UTC: every staged file has the same age


@dataclass(frozen=True, slots=True)
class Context:
    """Every file that the build of `role` on `cloud` sees, by path."""

    role: str
    cloud: str
    files: tuple[File, ...]

    @classmethod
    def collect(cls, catalog: Catalog, role: str, cloud: str, bases: Bases | None = None) -> Context:
        """Find, check and hash the files of one image.

        Args:
            bases: the locked bases; read from packer/bases.lock where not given.

        Raises:
            ContextError: a file that is unreadable, looks like a secret or leads out of the context; two files for
                one place; a context larger than `catalog.max_context_mb`.
            ConfigError: no such role; its base is not locked for `cloud`, or a download of it not at all; what its
                steps declare to download makes no sense.
        """
        return collect_all(catalog, (role,), cloud, bases)[role]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def digests(self) -> dict[str, str]:
        """What changed, for people and for Pulumi's diff: path -> "<16 hex digits of its content> (<layer>)".

        Above 500 files one entry a folder (`files/www/`); files at the top keep their own.
        """
        shown = {}
        for key, files in self._groups().items():
            frames = Frames()
            for file in files:
                frames.add(file.path, file.digest)
            shown[key] = f"{frames.hexdigest()[:16]} ({_layers(files)})"
        return shown

    @property
    def layers(self) -> dict[str, str]:
        """The layer that each file comes from (`File.layer`), by the keys of `digests`."""
        return {key: _layers(files) for key, files in self._groups().items()}

    def _groups(self) -> dict[str, list[File]]:
        groups: dict[str, list[File]] = {}
        for file in self.files:
            folder = file.path.rpartition("/")[0]
            groups.setdefault(f"{folder}/" if folder and len(self.files) > MANY else file.path, []).append(file)
        return groups

    def stage(self, directory: Path) -> None:
        """Lay the files out in `directory`, which is made if need be and must be empty.

        Modes are 0644 and 0755, times are fixed: nothing of this checkout shows. Each file is hashed again while it is
        copied.

        Raises:
            ContextError: `directory` is not empty or cannot be written, or a file changed since it was hashed.
            HostError: the disk there is full, or fails.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if any(directory.iterdir()):
                raise ContextError("the folder to stage in is not empty", file=directory, remedy="choose a new folder")
            folders = {directory}
            for file in self.files:
                target = directory / file.path
                if target.parent not in folders:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    folders.update(p for p in target.parents if p.is_relative_to(directory))
                copy(file, target)
                os.utime(target, (_MTIME, _MTIME))
            for folder in sorted(folders, reverse=True):
                if folder != directory:
                    folder.chmod(0o755)
                os.utime(folder, (_MTIME, _MTIME))
        except OSError as error:
            remedy = "choose a folder that you can write to"
            raise file_error(
                error, f"staging {self.role} failed", file=directory, remedy=remedy, kind=ContextError
            ) from error


def collect_all(catalog: Catalog, roles: Collection[str], cloud: str, bases: Bases | None = None) -> dict[str, Context]:
    """The contexts of several images, as `Context.collect` gives each, reading every file once."""
    bases = bases or Bases.load(catalog.packer_dir / "bases.lock")
    with looking("the context", catalog.packer_dir):
        shared = shared_files(catalog)
        found = {role: find(catalog, catalog[role], cloud, shared) for role in roles}
    contents = hash_files(to_hash(one for files in found.values() for one in files))
    downloads = declared(catalog)
    contexts = {}
    for role, files in found.items():
        spec = catalog[role]
        bootstrap = next((Path(f.source) for f in files if f.path == BOOTSTRAP), None)
        if bootstrap is not None:
            check_bootstrap(bootstrap, role, cloud)
        every = [_own(f, contents) for f in files if f.path != FILE]
        every.append(_staged_spec(spec))
        if common := spec.common.model_dump(mode="json", exclude_defaults=True):
            every.append(_made(SHARED, tomli_w.dumps(_sorted(common)).encode(), "project"))
        every.append(_generated(GENERATED, _variables(spec, cloud, bases, bootstrap=bootstrap is not None)))
        if listed := _downloads(spec, downloads, bases):
            every.append(_generated(DOWNLOADS, listed))
        contexts[role] = Context(role, cloud, tuple(sorted(every, key=lambda file: file.path)))
    return contexts


def _layers(files: Iterable[File]) -> str:
    return ", ".join(sorted({file.layer for file in files}))


def _own(found: Found, contents: Mapping[str, Content]) -> File:
    content = contents[found.source]
    layer = layer_of(found, contents) if found.beneath else found.layer
    return File(found.path, content.executable, content.digest, found.size, layer, Path(found.source))


def _staged_spec(spec: ImageSpec) -> File:
    """image.toml as a build sees it: the tables that it reads, no comments."""
    tables = spec.model_dump(mode="json", exclude_unset=True, include=SEEN)
    if not tables.get("rebuild", True):
        del tables["rebuild"]
    if spec.secrets:
        tables["secrets"] = sorted(spec.secrets)
    return _made(FILE, tomli_w.dumps(_sorted(tables)).encode(), ROLE, spec.file)


def _sorted(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _sorted(value) if isinstance(value, Mapping) else value for key, value in sorted(table.items())}


def _generated(path: str, value: Mapping[str, object]) -> File:
    """A file of JSON. Nothing in it may differ between regions, clones or days."""
    return _made(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode(), "generated")


def _made(path: str, content: bytes, layer: str, source: Path | None = None) -> File:
    return File(path, False, hashlib.sha256(content).hexdigest(), len(content), layer, source, content)


def _variables(spec: ImageSpec, cloud: str, bases: Bases, *, bootstrap: bool) -> dict[str, object]:
    variables: dict[str, object] = {"role": spec.role, "size": builder_size(spec, cloud)}
    if cloud == "aws" and spec.disk_gb is not None:
        variables["disk_gb"] = spec.disk_gb
    if spec.base is not None:
        variables["base_image"] = bases.entry(spec.base, cloud).image
    if bootstrap:
        variables["user_data_file"] = BOOTSTRAP
    return variables


def builder_size(spec: ImageSpec, cloud: str) -> str:
    """The type of machine that builds the image. Raises ConfigError where the cloud has none that is large enough."""
    facts = CLOUDS[cloud]
    found = facts.size(memory_gb=spec.memory_gb, cpus=spec.cpus, disk_gb=spec.disk_gb, arch=spec.arch)
    if found is not None:
        return found
    if spec.arch not in facts.types:
        raise ConfigError(
            f"image {spec.role}: `arch` is {spec.arch}, and {cloud} has no machines with such processors",
            file=spec.file,
            remedy="leave `arch` out, or leave the image out of this stack: bakewell:roles",
        )
    wanted = {"memory_gb": spec.memory_gb, "cpus": spec.cpus, "disk_gb": spec.disk_gb}
    told = ", ".join(f"{key} = {value}" for key, value in wanted.items() if value is not None)
    largest = facts.types[spec.arch][-1]
    has = [f"{largest.memory_gb} GB of memory", f"{largest.cpus} processors"]
    has += [] if largest.disk_gb is None else [f"a disk of {largest.disk_gb} GB"]
    raise ConfigError(
        f"image {spec.role}: no machine that builds on {cloud} has {told}; the largest, {largest.name}, has "
        f"{', '.join(has)}",
        file=spec.file,
        remedy="ask for less",
    )


def _downloads(spec: ImageSpec, found: Mapping[str, Declared], bases: Bases) -> dict[str, object]:
    """What the image itself downloads, by name; the downloads of its parent are its parent's."""
    return {
        one.name: {"version": version, "files": _files(spec, one, version, bases)} for one, version in used(spec, found)
    }


def _files(spec: ImageSpec, one: Declared, version: str, bases: Bases) -> dict[str, dict[str, str]]:
    """Address and SHA-256 by processor, of those that are locked."""
    locked = bases.checksums(one.name, version)
    files: dict[str, dict[str, str]] = {
        arch: {"url": one.download.file_url(version, arch), "sha256": locked[arch]}
        for arch in one.download.arch
        if arch in locked
    }
    if files:
        return files
    if bases.mirror is not None:
        there = ", ".join(bases.versions(one.name)) or "no version of it"
        raise ConfigError(
            f"image {spec.role}: step {one.step} needs {one.name} {version}, but the local mirror has {there}",
            file=spec.file,
            remedy=f"correct `{one.name}` under [versions], or build on a real cloud",
        )
    raise ConfigError(
        f"image {spec.role}: step {one.step} needs {one.name} {version}, whose checksums are not locked",
        file=bases.path,
        remedy=f"run: bakewell lock {one.name}",
    )
