"""The frame that every DigitalOcean resource fills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bakewell_local.sandbox.providers import versions
from bakewell_local.sandbox.providers.bridge.resource import BridgedResource
from bakewell_local.sandbox.providers.bridge.waiting import WaitError
from bakewell_local.sandbox.providers.digitalocean.api import Api, ApiError


class StepError(Exception):
    """A step failed; the message is what the real provider says of it."""


@contextmanager
def step(words: str) -> Iterator[None]:
    """Errors of the API and of waiting in the block become a StepError: "<words>: <error>"."""
    try:
        yield
    except (ApiError, WaitError) as error:
        raise StepError(f"{words}: {error}") from error


class ApiResource(BridgedResource):
    """One type of resource. Its methods raise StepError, and `look` may raise ApiError."""

    plugin = "digitalocean"
    version = versions.DIGITALOCEAN
    errors = (StepError, ApiError)

    def __init__(self) -> None:
        self.api: Api

    def words(self, doing: str, resource_id: str, error: Exception) -> str:
        return str(error) if isinstance(error, StepError) else f"Error retrieving {self.label}: {error}"

    def found(self, path: str, key: str) -> Any:
        """The object at `path`; None for a 404. Raises ApiError."""
        try:
            return self.api.get(path)[key]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
