"""image.toml as a typed value: the keys, their types and what each may hold.

One file by itself; what needs the other images (parents, cycles, steps that exist) is in `graph`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from bakewell.catalog import variants
from bakewell.catalog.role import Role, RoleTables
from bakewell.catalog.shared_values import SharedFile, SharedValues
from bakewell.catalog.values import Text, Values, no_secrets, plain_values
from bakewell.clouds.facts import Arch, Memory
from bakewell.errors import ConfigError
from bakewell.reading import NAME, Model, Name, Slug, checked, each_once, read_toml

FILE = "image.toml"
RESERVED = frozenset({"all"})
"""Names that commands give another meaning (`bakewell build all`)."""

_OF_BUILDS = frozenset({"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LC_ALL"})


def _no_variable_of_builds(name: str) -> str:
    """Every build has these, and their values are on any disk."""
    if name in _OF_BUILDS or name.startswith("BUILD_"):
        raise ValueError(f"{name} is set by builds themselves: give the secret another name")
    return name


_Secret = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"), AfterValidator(_no_variable_of_builds)]


def _whole(value: object) -> object:
    """Among literals, `true` and 1.0 equal 1, but make another fingerprint."""
    if isinstance(value, bool | float):
        raise ValueError(f"should be a whole number, but is {str(value).lower()}")
    return value


_Memory = Annotated[Memory, BeforeValidator(_whole)]


class Rebuild(Model):
    """When an image is rebuilt though no file changed.

    Attributes:
        window: the calendar period (UTC) whose turn makes a new image: security updates, say.
        note: any text; changing it forces a rebuild, and it says why.
    """

    window: Literal["never", "weekly", "monthly"] = "never"
    note: str = ""


class Build(Model):
    """How the image is built. Nothing here changes what is in it, so nothing here is part of its fingerprint.

    Attributes:
        timeout_minutes: how long the deploy and its checks may take, from when the builder's cloud-init is done.
    """

    timeout_minutes: int = Field(default=30, ge=1, le=90)


class ImageFile(RoleTables):
    """The keys of image.toml. Exactly one of `parent` (a role) and `base` (a name in bases.lock) is given."""

    description: Text
    parent: Name | None = None
    base: Slug | None = None
    memory_gb: Annotated[Memory, BeforeValidator(_whole)] = Field(
        default=1, description="memory of the machine that builds it"
    )
    cpus: Annotated[int, Field(ge=1, le=8), BeforeValidator(_whole)] | None = Field(
        default=None, description="processors of that machine, at least"
    )
    disk_gb: Annotated[int, Field(ge=1, le=16384), BeforeValidator(_whole)] | None = Field(
        default=None, description="its disk, which becomes the image's"
    )
    arch: Arch = Field(default="x86_64", description="processors that the image is for")
    versions: dict[Text, Text] = Field(default_factory=dict)
    variables: Values = Field(default_factory=dict)
    shared: list[str] = Field(default_factory=list, description="names in packer/shared.toml that it takes")
    secrets: dict[_Secret, Text] = Field(
        default_factory=dict, description="variables of the environment whose values a build needs: name -> what for"
    )
    build: Build = Field(default_factory=Build)
    rebuild: Rebuild = Field(default_factory=Rebuild)

    @field_validator("shared")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        return each_once(names)

    _plain = field_validator("variables", mode="before")(plain_values)
    _no_secrets = field_validator("variables")(no_secrets)

    @model_validator(mode="after")
    def _one_origin(self) -> ImageFile:
        if (self.parent is None) == (self.base is None):
            given = "both are" if self.parent is not None else "neither is"
            raise ValueError(f"exactly one of `parent` and `base` is wanted, but {given} there")
        return self


class ImageSpec(ImageFile):
    """An image of the catalog: its image.toml, plus what its folder says.

    Attributes:
        role: the folder's name, with a variant's behind it where the folder has variants; part of tags and snapshot
            names.
        folder: below packer/images/.
        common: what it takes from packer/shared.toml.
        steps: the steps that its files import, also by way of other steps (`programs`); staged with the image.
    """

    role: str
    folder: Path
    common: SharedValues = Field(default_factory=SharedValues)
    steps: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return self.folder / FILE

    @property
    def every_version(self) -> dict[str, str]:
        """Its versions, those of packer/shared.toml included."""
        return {**self.common.versions, **self.versions}

    @property
    def own_role(self) -> Role:
        """The role of machines that has the image's own name."""
        tables = {key: getattr(self, key) for key in RoleTables.model_fields}
        return Role(name=self.role, image=self.role, file=self.file, **tables)


def check_role(role: str, file: Path | None, act: str) -> None:
    """Refuse what cannot be a role's name.

    Args:
        file: for the message.
        act: the remedy, to which what a name is made of is added.

    Raises:
        ConfigError: it is none.
    """
    if re.fullmatch(NAME, role) and len(role) <= 40 and role not in RESERVED:
        return
    why = "commands give that name another meaning" if role in RESERVED else "tags and snapshot names cannot hold it"
    raise ConfigError(
        f"`{role}` cannot name an image: {why}",
        file=file,
        remedy=f"{act}: lower-case letters, digits and single hyphens, a letter first, 40 at most",
    )


def load_specs(folder: Path, shared: SharedFile) -> list[ImageSpec]:
    """The image that `folder` describes, or each of its variants.

    Args:
        shared: packer/shared.toml.

    Raises:
        ConfigError: the folder's name is no role's, or a variant's name makes none; image.toml or deploy.py is
            missing; or image.toml has an unknown key, a wrong type or a value that looks like a secret.
    """
    role = folder.name
    check_role(role, folder, "rename the folder")
    path = folder / FILE
    if not path.exists():
        raise ConfigError(f"image {role}: {FILE} is missing", file=path, remedy=f"write one, or remove {folder.name}/")
    table = read_toml(path, f"image {role}: {FILE}")
    tables = list(variants.images(role, table, ImageFile.model_fields, path))
    deploy = folder / "deploy.py"
    if not deploy.is_file():
        raise ConfigError(
            f"image {role}: deploy.py, which says how to provision it, is missing", file=deploy, remedy="add it"
        )
    return [_spec(name, folder, table, shared) for name, table in tables]


def _spec(role: str, folder: Path, table: Mapping[str, Any], shared: SharedFile) -> ImageSpec:
    path = folder / FILE
    check_role(role, path, "rename the variant")
    file = checked(ImageFile, table, file=path, what=f"image {role}")
    common = shared.take(file.shared, {**file.versions, **file.variables}, f"image {role}", path)
    given = {key: getattr(file, key) for key in file.model_fields_set}  # so that it still tells what the file says
    return ImageSpec(role=role, folder=folder, common=common, **given)
