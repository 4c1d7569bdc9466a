"""Which files an image's context holds: shared files, the project's, the role's own, and the steps that it declares.

Three layers, one rule: a later layer's file takes the place of an earlier layer's file of the same path. A step is
taken as a whole, from the last layer that has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from bakewell.catalog import Catalog, ImageSpec
from bakewell.catalog.imports import PACKAGE
from bakewell.catalog.layers import NOTES, PROJECTS_OWN, Layer
from bakewell.clouds.facts import CLOUDS
from bakewell.context.hashing import Content
from bakewell.context.walk import Found, files_in, one_file
from bakewell.errors import ContextError

GENERATED = "image.auto.pkrvars.json"
"""Packer variables that follow from the catalog; written into every staged context, read by Packer by itself."""

DOWNLOADS = "downloads.json"
"""What the image's steps download and the SHA-256 it must have, for inventory.py; only where there is any.

    {"consul": {"version": "1.17.1", "files": {"x86_64": {"url": "https://…", "sha256": "<64 hex>"}}}}
"""

SHARED = "shared.toml"
"""What the image takes from packer/shared.toml; only where that is anything."""

RESERVED = frozenset({GENERATED, DOWNLOADS, SHARED, "manifest.json", PACKAGE})
ROLE = "role"
"""The layer of a role's own files."""

_MB = 1_000_000


def template(cloud: str) -> str:
    """The file with a cloud's plugin and source, `<cloud>.pkr.hcl`: part of that cloud's contexts alone."""
    return f"{cloud}.pkr.hcl"


def shared_files(catalog: Catalog) -> dict[str, Found]:
    """The files that every image has, by path: those directly in the folders of the layers."""
    files: dict[str, Found] = {}
    for layer in catalog.layers:
        _lay_over(files, files_in(layer.folder, deep=False, skip=NOTES | PROJECTS_OWN, layer=layer.name))
    return files


def find(catalog: Catalog, spec: ImageSpec, cloud: str, shared: Mapping[str, Found]) -> list[Found]:
    """The files of an image, one a path. Other clouds' templates are left out.

    Args:
        shared: what `shared_files` found.

    Raises:
        ContextError: a file that a context cannot hold, one in the place of a generated file, or too much in all.
    """
    files = dict(shared)
    _lay_over(files, files_in(spec.folder, skip=NOTES, layer=ROLE))
    for other in CLOUDS:
        if other != cloud:
            files.pop(template(other), None)
    for path, file in files.items():
        if path.partition("/")[0] in RESERVED:
            raise ContextError(
                f"image {spec.role}: {path} is in the way of a file that every build has",
                file=file.source,
                remedy="rename it",
            )
    every = [*files.values(), *_steps(catalog, spec)]
    _check_size(catalog, spec, every)
    return every


def to_hash(found: Iterable[Found]) -> Iterator[Found]:
    """`found`, and the files beneath them that may hold the same: `layer_of` compares these."""
    for file in found:
        yield file
        below = file.beneath
        while below is not None:
            if below.size == file.size:
                yield below
            below = below.beneath


def layer_of(file: Found, contents: Mapping[str, Content]) -> str:
    """The first layer that has this content at this path.

    So the name follows from contents: a shared file that a project copied and did not change is a shared file still,
    and copying it changes nothing in Pulumi's diff.
    """
    name, below, digest = file.layer, file.beneath, contents[file.source].digest
    while below is not None:
        if below.size == file.size and contents[below.source].digest == digest:
            name = below.layer
        below = below.beneath
    return name


def _lay_over(files: dict[str, Found], above: Iterable[Found]) -> None:
    for file in above:
        below = files.get(file.path)
        files[file.path] = file if below is None else replace(file, beneath=below)


def _steps(catalog: Catalog, spec: ImageSpec) -> Iterator[Found]:
    """Each step's files are those of one layer; an earlier layer's are only looked at."""
    init: dict[str, Found] = {}
    for layer in catalog.layers:
        path = layer.folder / PACKAGE / "__init__.py"
        if path.exists():
            _lay_over(init, [one_file(path, f"{PACKAGE}/__init__.py", layer=layer.name)])
    yield from init.values()
    for name in spec.steps:
        files: dict[str, Found] = {}
        for layer in catalog.layers:
            own = {file.path: file for file in _step(layer, name)}
            if own:
                below, files = files, {}
                _lay_over(files, (below[path] for path in own if path in below))
                _lay_over(files, own.values())
        yield from files.values()


def _step(layer: Layer, name: str) -> Iterable[Found]:
    path = layer.step(name)
    if path is None:
        return ()
    if path.is_file():
        return (one_file(path, f"{PACKAGE}/{path.name}", layer=layer.name),)
    return files_in(path, f"{PACKAGE}/{name}/", skip=NOTES, layer=layer.name)


def _check_size(catalog: Catalog, spec: ImageSpec, files: Collection[Found]) -> None:
    """Sizes only, before anything is read: a huge file by accident is refused at once."""
    total, limit = sum(file.size for file in files), catalog.max_context_mb
    if total > limit * _MB:
        largest = max(files, key=lambda file: file.size)
        raise ContextError(
            f"image {spec.role}: its context is {total / _MB:.0f} MB, more than {limit} MB; "
            f"the largest file is {largest.path} with {largest.size / _MB:.0f} MB",
            file=largest.source,
            remedy=f"remove it, or allow it: pulumi config set bakewell:max_context_mb {-(-total // _MB)}",
        )
