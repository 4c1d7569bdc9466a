"""steps/<step>/downloads.toml: what a step downloads from a vendor when an image states a version of it.

    [consul]                         # the name under [versions] in image.toml
    url = "https://releases.hashicorp.com/consul/{version}/consul_{version}_linux_{arch}.zip"
    checksums = "https://releases.hashicorp.com/consul/{version}/consul_{version}_SHA256SUMS"
    arch = { x86_64 = "amd64", aarch64 = "arm64" }     # what {arch} is; these are the defaults

Reads files of the checkout only; nothing is downloaded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, RootModel

from bakewell.catalog import Catalog, ImageSpec
from bakewell.errors import ConfigError
from bakewell.reading import Model, Name, checked, looking, read_toml

FILE = "downloads.toml"
_VERSION = r"^[0-9A-Za-z][0-9A-Za-z.+~_-]*$"
_PLACEHOLDERS = {"version", "arch"}


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("should be a SHA-256: 64 hex digits in lower case")
    return text


Arch = Literal["x86_64", "aarch64"]
"""A processor as `uname -m` calls it."""

Digest = Annotated[str, AfterValidator(_digest)]
"""SHA-256, 64 hex digits in lower case."""

Version = Annotated[str, Field(pattern=_VERSION, max_length=60)]
"""Exactly one version; safe as a part of a URL."""


def _template(text: str) -> str:
    """A URL in which {version} and {arch} may stand."""
    names = set(re.findall(r"\{([^{}]*)\}", text))
    if unknown := sorted(names - _PLACEHOLDERS):
        raise ValueError(f"`{{{unknown[0]}}}` is no placeholder; there are {{version}} and {{arch}}")
    if "version" not in names:
        raise ValueError("{version} is missing")
    bare = re.sub(r"\{(version|arch)\}", "1", text)
    try:
        parts = urlsplit(bare)
        plain = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:  # a port that is no number, a bracket too many
        plain = False
    if not plain or not re.fullmatch(r"[!-~]+", bare) or set(bare) & set("{}?#\\"):
        raise ValueError("should be a plain https URL: no user, no query, no space")
    if bare.endswith("/") or "{" in text.split("/")[2]:
        raise ValueError("should name a file, on a host without placeholders")
    return text


_Url = Annotated[str, AfterValidator(_template)]


class Download(Model):
    """Where a vendor publishes a program.

    Attributes:
        url: the file, with {version} and, where there is one a processor, {arch}.
        checksums: where its SHA-256 stands, with the same placeholders: lines of `sha256sum`, or nothing but the hex.
        arch: what the vendor calls each processor; the file is there for these only.
    """

    url: _Url
    checksums: _Url
    arch: dict[Arch, Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]+$")]] = Field(
        default={"x86_64": "amd64", "aarch64": "arm64"}, min_length=1
    )

    def file_url(self, version: str, arch: Arch) -> str:
        """The address of the file."""
        return self.url.format(version=version, arch=self.arch[arch])

    def checksums_url(self, version: str, arch: Arch) -> str:
        """The address of its checksum; the same for every `arch` where the vendor has one list."""
        return self.checksums.format(version=version, arch=self.arch[arch])


class _File(RootModel[dict[Name, Download]]):
    pass


@dataclass(frozen=True, slots=True)
class Declared:
    """A download, and who declares it.

    Attributes:
        name: what image.toml calls it under [versions].
        step: the step that installs it.
        file: the step's downloads.toml.
    """

    name: str
    step: str
    file: Path
    download: Download


def declared(catalog: Catalog) -> dict[str, Declared]:
    """What the steps of all images together declare, by name.

    Raises:
        ConfigError: a downloads.toml that cannot be read, an unknown key, a URL that is not https or lacks
            {version}, or two steps that declare the same name.
    """
    found: dict[str, Declared] = {}
    for step in sorted({step for spec in catalog for step in spec.steps}):
        with looking(f"step {step}", catalog.packer_dir):
            folder = catalog.step_path(step)
            path = (folder or catalog.packer_dir) / FILE
            if folder is None or not folder.is_dir() or not path.exists():
                continue
        for name, download in _read(path, step).items():
            if name in found:
                raise ConfigError(
                    f"step {step}: `{name}` is declared by step {found[name].step} too, in {found[name].file}",
                    file=path,
                    remedy="remove or rename one of the two; image.toml and bases.lock know a download by its name",
                )
            found[name] = Declared(name, step, path, download)
    return found


def _read(path: Path, step: str) -> dict[str, Download]:
    what = f"step {step}: {FILE}"
    data = read_toml(path, what)
    for name, table in data.items():
        if isinstance(table, dict):  # by itself first: its unknown keys are then told from those that there are
            checked(Download, table, file=path, what=f"step {step}: download {name}")
    return dict(checked(_File, data, file=path, what=what).root)


def used(spec: ImageSpec, found: Mapping[str, Declared]) -> Iterator[tuple[Declared, str]]:
    """What the image itself downloads, each with its version: names of its [versions] that its own steps declare.

    A step without a version is no fault: the image may only use what its parent has installed.

    Raises:
        ConfigError: a version that is not exact.
    """
    for name, version in sorted(spec.every_version.items()):
        one = found.get(name)
        if one is None or one.step not in spec.steps:
            continue
        if not re.match(_VERSION, version) or len(version) > 60:
            raise ConfigError(
                f"image {spec.role}: `versions.{name}` is `{version}`, but a download has one exact version",
                file=spec.file,
                remedy=f"write the version as its vendor does in {one.download.url}",
            )
        yield one, version
