"""The container engine: how it is reached, its failures in plain words, and its images removed whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import docker
import requests
from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from bakewell.urls import shown
from bakewell_local.sandbox.machines.errors import MachineError

LABEL = "bakewell"
# A snapshot of a large machine on a busy disk is the longest call there is.
TIMEOUT = 300
START_IT = "start Docker Engine, or let DOCKER_HOST name one that runs, and see that this user may use its socket"


def connect() -> DockerClient:
    """A client of the engine that DOCKER_HOST names, else of the local one.

    Raises:
        MachineError: no engine answers, or this user may not use it.

    """
    with plain_errors("reaching Docker"):
        client = docker.from_env(timeout=TIMEOUT)
        client.api.ping()
    return client


@contextmanager
def plain_errors(doing: str) -> Iterator[None]:
    """Turns every failure of the engine inside the block into a MachineError that begins with `doing`."""
    try:
        yield
    except (DockerException, requests.RequestException, ConnectionError) as error:
        plain = _plain(doing, error)
        for note in getattr(error, "__notes__", ()):  # of a clean-up that failed as well
            plain.add_note(note)
        # What says that no engine answers holds the password of a DOCKER_HOST.
        raise plain from (error if isinstance(error, APIError) else None)


def remove_images(client: DockerClient, ours: Mapping[str, str]) -> None:
    """Removes every image that the filters `ours` let through, whatever is built on what.

    Raises:
        APIError: the engine refuses, as it does where a container needs one.

    """
    while images := client.api.images(all=True, filters=dict(ours)):
        # Children go before parents; the clock is too coarse to tell them apart always, hence the rounds.
        refused: list[APIError] = []
        for image in sorted(images, key=lambda one: int(one["Created"]), reverse=True):
            try:
                client.api.remove_image(image["Id"], force=True)
            except ImageNotFound:
                continue
            except APIError as error:
                refused.append(error)
        if len(refused) == len(images):
            raise refused[-1]


def _plain(doing: str, error: Exception) -> MachineError:
    if isinstance(error, ImageNotFound):
        return MachineError(f"{doing}: no such image ({error.explanation})")
    if isinstance(error, NotFound):
        return MachineError(f"{doing}: not found ({error.explanation})")
    if isinstance(error, APIError):
        return _refused(doing, str(error.explanation or error))
    host = os.environ.get("DOCKER_HOST", "")
    said = str(error).replace(host, shown(host)) if host else str(error)
    return MachineError(f"{doing}: Docker does not answer ({said})", remedy=START_IT)


def _refused(doing: str, why: str) -> MachineError:
    if "no space left" in why.lower():
        return MachineError(
            f"{doing}: the disk is full ({why})",
            remedy="free some of Docker's disk; see `docker system df`",
        )
    return MachineError(f"{doing}: Docker refused: {why}")
