"""The answers of Docker's API, as far as they are read.

`null` and keys that are left out are taken where Docker's API documents them: names, tags and labels that are none.
What a container was made from, and what an image was built on, is always there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from bakewell.clouds.answers import Answer

Text = Annotated[str, Field(min_length=1)]
Labels = dict[str, str] | None
Time = Annotated[
    AwareDatetime, BeforeValidator(lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value)
]


class Container(Answer):
    """A container of a list."""

    id: Text = Field(alias="Id")
    image: Text = Field(alias="ImageID")
    created: int = Field(alias="Created")
    names: list[str] | None = Field(alias="Names")
    labels: Labels = Field(alias="Labels")


class ListedImage(Answer):
    """An image of a list. `parent` is empty where it was built on none, or on one that is not here."""

    id: Text = Field(alias="Id")
    parent: str = Field(alias="ParentId")
    tags: list[str] | None = Field(alias="RepoTags")
    labels: Labels = Field(alias="Labels")


class Config(Answer):
    """What an image or a container brings along; newer engines leave out labels that are none."""

    labels: Labels = Field(default=None, alias="Labels")


class Image(Answer):
    """Everything that is read of one image. Newer engines leave out what is empty: the message, tags, the date."""

    id: Text = Field(alias="Id")
    config: Config | None = Field(alias="Config")
    comment: str = Field(default="", alias="Comment")
    tags: list[str] | None = Field(default=None, alias="RepoTags")
    created: Time | None = Field(default=None, alias="Created")
    size: Annotated[int, Field(ge=0)] = Field(alias="Size")


class State(Answer):
    """Whether a container is being committed."""

    paused: bool = Field(alias="Paused")


class InspectedContainer(Answer):
    """One container."""

    state: State = Field(alias="State")
    config: Config = Field(alias="Config")


class About(Answer):
    """The engine itself."""

    name: str = Field(alias="Name")
    version: str = Field(alias="ServerVersion")


class Containers(Answer):
    """Every container."""

    containers: list[Container]


class Images(Answer):
    """Every image."""

    images: list[ListedImage]
