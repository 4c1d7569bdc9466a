"""The Docker Engine: a client of it, its errors, and its answers as far as they are read.

`null` and keys that are left out are taken where Docker's API documents them: names, tags and labels that are none.
What a container was made from, and what an image was built on, is always there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import requests
from docker import APIClient, DockerClient
from docker.errors import APIError, DockerException, NotFound
from pydantic import AwareDatetime, BeforeValidator, Field

from bakewell.clouds.answers import A, Answer, parse
from bakewell.errors import CloudError, ConfigError
from bakewell.settings import Environment
from bakewell.urls import shown

_TIMEOUT = 600  # seconds for one answer: deleting a large image takes minutes on a slow disk
_START_IT = "start Docker, or let DOCKER_HOST name the socket of one that runs, and see that this user may use it"
_ANOTHER = "check that DOCKER_HOST names a Docker Engine"
_REMEDIES = {
    "no space left": "free some of Docker's disk; see: docker system df",
    "already allocated": "free the port, or set another one (bakewell:docker.containers.<role>.port), or none",
}

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
REFERENCE = re.compile(rf"{_PART}(:[0-9]+)?(/{_PART})*(:{_PART})?(@?sha256:[0-9a-f]{{64}})?")
"""An image's name or ID. It becomes a part of a URL's path, in which `..` would be another question."""
CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""A container's name or ID, likewise."""

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


class Engine(Answer):
    """The engine itself."""

    name: str = Field(alias="Name")
    version: str = Field(alias="ServerVersion")


class _Containers(Answer):
    containers: list[Container]


class _Images(Answer):
    images: list[ListedImage]


def containers(client: DockerClient, what: str, **filters: str) -> list[Container]:
    """Every container, running or not. `what` is asked, for messages."""
    with asking(what):
        listed = client.api.containers(all=True, filters=filters)
    return read(_Containers, {"containers": listed}, what).containers


def images(client: DockerClient, what: str, **filters: str) -> list[ListedImage]:
    """Every image, those without a name included. `what` is asked, for messages."""
    with asking(what):
        listed = client.api.images(all=True, filters=filters)
    return read(_Images, {"images": listed}, what).images


def read(model: type[A], answer: object, what: str) -> A:
    """An answer as a `model`. Raises CloudError, which names what was asked and the field at fault."""
    return parse(model, answer, f"Docker, asked to {what}", _ANOTHER)


class _Direct(APIClient):
    """Goes by no proxy: the engine is on this machine."""

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        self.trust_env = False
        return super().merge_environment_settings(*args, **kwargs)


class _Client(DockerClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.api = _Direct(*args, **kwargs)


def connect(environment: Environment) -> DockerClient:
    """A client of the engine.

    Raises:
        ConfigError: it is another machine's: builds and machines are reached by ports of this one.
        CloudError: it does not answer.
    """
    where = environment.where("docker")
    if not environment.local("docker"):
        raise ConfigError(
            f"DOCKER_HOST is {where}, which is another machine", remedy="unset it, or name a socket of this machine"
        )
    with asking(f"answer at {where}", hidden=environment.docker):
        return _Client.from_env(timeout=_TIMEOUT, environment={**os.environ, "DOCKER_HOST": environment.docker})


@contextmanager
def asking(what: str, *, hidden: str = "") -> Iterator[None]:
    """Around requests: every failure as a `CloudError` that names `what` was asked.

    Args:
        hidden: a URL that may hold a password, which the failure's own words would show.
    """
    try:
        yield
    except APIError as error:
        why = str(error.explanation or error)
        remedy = next((said for sign, said in _REMEDIES.items() if sign in why), "see what Docker says, then try again")
        raise CloudError(f"Docker refuses to {what}: {why}", remedy=remedy) from error
    except (DockerException, requests.RequestException) as error:
        why = str(error).replace(hidden, shown(hidden)) if hidden else str(error)
        # Not `from error`: --debug would show its words.
        raise CloudError(f"Docker cannot be reached to {what}: {why}", remedy=_START_IT) from None
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        # The client library takes some shapes for granted, and that numbers and nesting have an end.
        raise CloudError(f"Docker, asked to {what}: the answer cannot be read ({error!r})", remedy=_ANOTHER) from error


@contextmanager
def unless_gone(kind: str) -> Iterator[None]:
    """Around requests about an image or a container that may be gone: that is no error.

    A 404 in other words than Docker's ("No such image: …") does not say so, and is raised.
    """
    try:
        yield
    except NotFound as error:
        if f"no such {kind}" not in str(error.explanation).lower():
            raise


def remove_container(client: DockerClient, name: str) -> None:
    """Remove a container, running or not, with its volumes; one that is gone already is no error."""
    try:
        with unless_gone("container"):
            client.api.remove_container(name, force=True, v=True)
    except APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
