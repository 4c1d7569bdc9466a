"""The frame that every DigitalOcean resource fills: the bridge's part is here, the API calls are in the subclass."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from sandbox.providers.digitalocean import schema
from sandbox.providers.digitalocean.api import Api, ApiError, WaitError
from sandbox.providers.digitalocean.schema import Schema
from sandbox.providers.server import (
    Difference,
    Operation,
    PartialError,
    Properties,
    ProviderError,
    Resource,
)
from sandbox.providers.values import UNKNOWN

DEFAULT_TIMEOUT = 60 * 60.0


class ApiResource(Resource):
    """One type of resource behind the API.

    Attributes:
        label: as the real provider's errors name it ("droplet").
    """

    label: str
    schema: ClassVar[Schema]

    def __init__(self) -> None:
        self.api: Api

    @abstractmethod
    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        """Create it; its ID, as soon as there is one."""

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        """Wait until what `make` began is done, and do what needs the ID."""

    @abstractmethod
    def look(self, resource_id: str) -> Properties | None:
        """What the API says of it; None when it is gone."""

    @abstractmethod
    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        """Bring it from `state` to `planned`."""

    @abstractmethod
    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        """Delete it."""

    def look_for_import(self, resource_id: str) -> Properties | None:
        """Like `look`, with what an existing state would otherwise supply."""
        return self.look(resource_id)

    def merge(self, state: Properties, seen: Properties) -> Properties:
        """The state once the API was asked."""
        return state | seen

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        return schema.check(self.schema, op.name, old, new)

    def diff(self, op: Operation, state: Properties, old: Properties, new: Properties) -> Difference:
        return schema.difference(self.schema, state, new)

    def create(self, op: Operation, inputs: Properties) -> tuple[str, Properties]:
        planned = schema.plan(self.schema, None, inputs)
        if op.preview:
            return "", planned
        known = {key: value for key, value in planned.items() if value is not UNKNOWN}
        try:
            resource_id = self.make(op, inputs, known)
        except (ApiError, WaitError) as error:
            raise ProviderError(_told(f"Error creating {self.label}: {error}")) from error
        try:
            self.settle(op, resource_id, known)
            seen = self.look(resource_id)
        except (ApiError, WaitError) as error:
            told = f"Error waiting for {self.label} ({resource_id}) to become ready: {error}"
            raise PartialError(_told(told), resource_id, known) from error
        if seen is None:
            raise ProviderError(_told(f"{self.label} ({resource_id}) was gone right after it was created"))
        return resource_id, self.merge(known, seen)

    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        try:
            seen = self.look(resource_id) if state else self.look_for_import(resource_id)
        except ApiError as error:
            raise ProviderError(f"refreshing {op.urn}: {_told(f'Error retrieving {self.label}: {error}')}") from error
        if seen is None:
            return None
        merged = self.merge(state, seen) if state else seen
        now = {key: value for key, value in merged.items() if key in self.schema}
        if not state:
            return now, schema.inputs_of_import(self.schema, now)
        return now, schema.inputs_after_refresh(self.schema, inputs, now)

    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        planned = schema.plan(self.schema, state, inputs)
        if op.preview:
            return planned
        try:
            self.change(op, resource_id, state, planned)
            seen = self.look(resource_id)
        except (ApiError, WaitError) as error:
            raise ProviderError(_told(f"Error updating {self.label} ({resource_id}): {error}")) from error
        if seen is None:
            raise ProviderError(
                f"Resource provider reported that the resource did not exist while updating {op.urn}.\n\n"
                "This is usually a result of the resource having been deleted outside of Pulumi, and can often be "
                "fixed by running `pulumi refresh` before updating."
            )
        return self.merge(planned, seen)

    def delete(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self.remove(op, resource_id, state)
        except (ApiError, WaitError) as error:
            raise ProviderError(f"deleting {op.urn}: {_told(f'Error deleting {self.label}: {error}')}") from error

    def found(self, path: str, key: str) -> Any:
        """The object at `path`; None for a 404."""
        try:
            return self.api.get(path)[key]
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def _told(message: str) -> str:
    """As the bridge words what Terraform reports."""
    return f"1 error occurred:\n\t* {message}\n\n"
