"""The Docker Engine: a client of it, its time, and its errors."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from docker import APIClient, DockerClient
from docker.errors import APIError, DockerException, NotFound

from bakewell.clouds.answers import A, parse
from bakewell.clouds.clock import Clock
from bakewell.clouds.docker import answers
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


class Engine:
    """The engine that DOCKER_HOST names, by default the one at Docker's usual socket."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._clock = Clock("Docker")
        self._connecting = threading.Lock()
        self._connected: DockerClient | None = None

    @property
    def client(self) -> DockerClient:
        """Connected when it is first asked for."""
        with self._connecting:
            if self._connected is None:
                self._connected = connect(self._environment)
                self._connected.api.hooks["response"].append(self._hear)
            return self._connected

    def _hear(self, answer: requests.Response, **_: object) -> None:
        if answer.ok:
            self._clock.hear(answer.headers)

    def now(self) -> float:
        return self._clock.now(self._ask)

    def _ask(self) -> None:
        with asking("say what time it is"):
            self.client.api.info()


def containers(client: DockerClient, what: str, **filters: str) -> list[answers.Container]:
    """Every container, running or not. `what` is asked, for messages."""
    with asking(what):
        listed = client.api.containers(all=True, filters=filters)
    return read(answers.Containers, {"containers": listed}, what).containers


def images(client: DockerClient, what: str, **filters: str) -> list[answers.ListedImage]:
    """Every image, those without a name included. `what` is asked, for messages."""
    with asking(what):
        listed = client.api.images(all=True, filters=filters)
    return read(answers.Images, {"images": listed}, what).images


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
