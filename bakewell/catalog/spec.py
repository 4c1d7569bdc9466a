"""image.toml as a typed value: the keys, their types and what each may hold.

One file by itself; what needs the other images (parents, cycles, steps that exist) is in `graph`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bakewell.catalog.machine import Boot, Compose, Consul
from bakewell.clouds.facts import Memory
from bakewell.errors import ConfigError
from bakewell.reading import NAME, Model, Name, Slug, checked, each_once, read_toml
from bakewell.secret_shapes import secret_setting

FILE = "image.toml"
RESERVED = frozenset({"all"})
"""Names that commands give another meaning (`bakewell build all`)."""

_Text = Annotated[str, Field(min_length=1)]
_Step = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Variable = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


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


class ImageFile(Model):
    """The keys of image.toml. Exactly one of `parent` (a role) and `base` (a name in bases.lock) is given."""

    description: _Text
    parent: Name | None = None
    base: Slug | None = None
    steps: list[_Step] = Field(default_factory=list, description="provisioning steps staged with the image")
    memory_gb: Annotated[Memory, BeforeValidator(_whole)] = Field(
        default=1, description="memory of the machine that builds it"
    )
    versions: dict[_Text, _Text] = Field(default_factory=dict)
    variables: dict[_Variable, str | int | bool] = Field(default_factory=dict)
    build: Build = Field(default_factory=Build)
    rebuild: Rebuild = Field(default_factory=Rebuild)
    boot: Boot = Field(default_factory=Boot)
    consul: Consul | None = None
    compose: Compose | None = None

    @field_validator("steps")
    @classmethod
    def _each_once(cls, steps: list[str]) -> list[str]:
        return each_once(steps)

    @field_validator("variables", mode="before")
    @classmethod
    def _plain_values(cls, variables: object) -> object:
        for key, value in variables.items() if isinstance(variables, dict) else ():
            if not isinstance(value, str | int | bool):
                raise ValueError(f"`{key}` should be text, a whole number, true or false")
            if isinstance(value, int) and not -(2**63) <= value < 2**63:  # in hex, one may have no end
                raise ValueError(f"`{key}` should be a number of 64 bits, as TOML has them")
        return variables

    @field_validator("variables")
    @classmethod
    def _no_secrets(cls, variables: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        for key, value in variables.items():
            if why := secret_setting(key, value):
                raise ValueError(f"{why}; secrets stay out of images: let the machine fetch it when it starts")
        return variables

    @model_validator(mode="after")
    def _one_origin(self) -> ImageFile:
        if (self.parent is None) == (self.base is None):
            given = "both are" if self.parent is not None else "neither is"
            raise ValueError(f"exactly one of `parent` and `base` is wanted, but {given} there")
        return self


class ImageSpec(ImageFile):
    """An image of the catalog: its image.toml, plus what its folder says.

    Attributes:
        role: the folder's name; part of tags and snapshot names.
        folder: packer/images/<role>.
    """

    role: str
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / FILE

    @property
    def units(self) -> list[str]:
        """What its machines start: `[boot] services`, and the Compose project's unit, where they don't name it."""
        started = self.boot.services
        return started if self.compose is None or self.compose.unit in started else [*started, self.compose.unit]


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


def load_spec(folder: Path) -> ImageSpec:
    """The image that `folder` describes.

    Raises:
        ConfigError: the folder's name is no role's; image.toml, deploy.py or checks.py is missing; or image.toml has
            an unknown key, a wrong type or a value that looks like a secret.
    """
    role = folder.name
    check_role(role, folder, "rename the folder")
    path = folder / FILE
    if not path.exists():
        raise ConfigError(f"image {role}: {FILE} is missing", file=path, remedy=f"write one, or remove {folder.name}/")
    file = checked(ImageFile, read_toml(path, f"image {role}: {FILE}"), file=path, what=f"image {role}")
    for needed, why in (("deploy.py", "says how to provision it"), ("checks.py", "tests it before the snapshot")):
        if not (folder / needed).is_file():
            raise ConfigError(f"image {role}: {needed}, which {why}, is missing", file=folder / needed, remedy="add it")
    given = {key: getattr(file, key) for key in file.model_fields_set}  # so that it still tells what the file says
    return ImageSpec(role=role, folder=folder, **given)
