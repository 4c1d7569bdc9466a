"""The frame that every DigitalOcean resource fills: the bridge's part is here, the API calls are in the subclass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sandbox.providers import versions
from sandbox.providers.digitalocean import schema
from sandbox.providers.digitalocean.api import Api, ApiError
from sandbox.providers.digitalocean.schema import Schema
from sandbox.providers.digitalocean.waiting import Patience, WaitError, duration
from sandbox.providers.server import (
    Difference,
    Operation,
    PartialError,
    Properties,
    ProviderError,
    Resource,
)
from sandbox.providers.values import UNKNOWN

# Terraform's own for a resource that says nothing.
_DEFAULT_LIMIT = 20 * 60.0


class StepError(Exception):
    """A step failed; the message is what the real provider says of it."""


@contextmanager
def step(words: str) -> Iterator[None]:
    """Errors of the API and of waiting in the block become a StepError: "<words>: <error>"."""
    try:
        yield
    except (ApiError, WaitError) as error:
        raise StepError(f"{words}: {error}") from error


class ApiResource(Resource):
    """One type of resource behind the API. Its methods raise StepError.

    Attributes:
        label: as the real provider's errors name it ("droplet").
        limits: seconds by operation ("create", …), for those whose limit a program may change.
    """

    label: str
    schema: ClassVar[Schema]
    limits: ClassVar[Mapping[str, float]] = {}

    def __init__(self) -> None:
        self.api: Api

    @abstractmethod
    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        """Create it; its ID, as soon as there is one."""

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        """Wait until what `make` began is done, and do what needs the ID."""

    @abstractmethod
    def look(self, resource_id: str) -> Properties | None:
        """What the API says of it; None when it is gone. Raises ApiError."""

    @abstractmethod
    def change(
        self, patience: Patience, resource_id: str, state: Properties, inputs: Properties, planned: Properties
    ) -> None:
        """Bring it from `state` to `planned`, which `inputs` lead to."""

    @abstractmethod
    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
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
        limit = self._limit(op, "create")
        if op.preview:
            return "", schema.whole(self.schema, planned)
        known = {key: value for key, value in planned.items() if value is not UNKNOWN}
        patience = Patience(op, limit)
        try:
            resource_id = self.make(patience, inputs, known)
        except StepError as error:
            raise ProviderError(_told(op, error)) from error
        try:
            self.settle(patience, resource_id, known)
            seen = self._retrieved(resource_id)
        except StepError as error:
            raise self._half_done("creating", op, resource_id, known | patience.seen, error) from error
        if seen is None:
            raise ProviderError(f"expected non-nil error with nil state during Create of {op.urn}")
        return resource_id, schema.whole(self.schema, self.merge(known, seen))

    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        try:
            with step(f"Error retrieving {self.label}"):
                seen = self.look(resource_id) if state else self.look_for_import(resource_id)
        except StepError as error:
            raise ProviderError(f"refreshing {op.urn}: {_told(op, error)}") from error
        if seen is None:
            return None
        merged = self.merge(state, seen) if state else seen
        now = {key: value for key, value in merged.items() if key in self.schema}
        whole = schema.whole(self.schema, now)
        if not state:
            return whole, schema.inputs_of_import(self.schema, now)
        return whole, schema.inputs_after_refresh(self.schema, inputs, now)

    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        planned = schema.plan(self.schema, state, inputs)
        limit = self._limit(op, "update")
        if op.preview:
            return schema.whole(self.schema, planned)
        patience = Patience(op, limit)
        try:
            self.change(patience, resource_id, state, inputs, planned)
            seen = self._retrieved(resource_id)
        except StepError as error:
            raise self._half_done("updating", op, resource_id, planned | patience.seen, error) from error
        if seen is None:
            raise ProviderError(
                f"Resource provider reported that the resource did not exist while updating {op.urn}.\n\n"
                "This is usually a result of the resource having been deleted outside of Pulumi, and can often be "
                "fixed by running `pulumi refresh` before updating."
            )
        return schema.whole(self.schema, self.merge(planned, seen))

    def delete(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self.remove(Patience(op, self._limit(op, "delete")), resource_id, state)
        except StepError as error:
            raise ProviderError(f"deleting {op.urn}: {_told(op, error)}") from error

    def found(self, path: str, key: str) -> Any:
        """The object at `path`; None for a 404. Raises ApiError."""
        try:
            return self.api.get(path)[key]
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _retrieved(self, resource_id: str) -> Properties | None:
        with step(f"Error retrieving {self.label}"):
            return self.look(resource_id)

    def _half_done(
        self, doing: str, op: Operation, resource_id: str, state: Properties, error: StepError
    ) -> PartialError:
        """It is recorded as far as it got, with the reason why it got no further."""
        return PartialError(f"{doing} {op.urn}: {_told(op, error)}", resource_id, schema.whole(self.schema, state))

    def _limit(self, op: Operation, kind: str) -> float:
        """Seconds that the operation may take. `customTimeouts` that the resource has no place for are told to be of no
        effect; those of a deletion always have one.
        """
        if op.timeout is None:
            return self.limits.get(kind, _DEFAULT_LIMIT)
        if kind in self.limits or kind == "delete":
            return op.timeout
        op.tell("WARNING", f"Resource does not support customTimeouts, ignoring: {kind}={duration(op.timeout)}")
        return _DEFAULT_LIMIT


def _told(op: Operation, error: StepError) -> str:
    """As the bridge words what Terraform reports, after it has told it once by itself."""
    provider = f"provider=digitalocean@{versions.DIGITALOCEAN}"
    op.tell("ERROR", f"  sdk-v2/provider2.go:572: sdk.helper_schema: {error}: {provider}")
    return f"1 error occurred:\n\t* {error}\n\n"
