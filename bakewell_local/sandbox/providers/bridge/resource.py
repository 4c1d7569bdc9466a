"""The frame that every resource behind the bridge fills; its API calls are in the subclass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers import diff
from bakewell_local.sandbox.providers.bridge import schema
from bakewell_local.sandbox.providers.bridge.schema import Schema
from bakewell_local.sandbox.providers.bridge.waiting import Patience, duration
from bakewell_local.sandbox.providers.server import (
    Difference,
    Operation,
    PartialError,
    Properties,
    ProviderError,
    Resource,
)
from bakewell_local.sandbox.providers.values import UNKNOWN

# Terraform's own for a resource that says nothing.
_DEFAULT_LIMIT = 20 * 60.0


class BridgedResource(Resource):
    """One type of resource behind the API. Its methods raise what `errors` lists.

    Attributes:
        plugin, version: of the real plugin.
        label: as the real provider's errors name it ("droplet").
        limits: seconds by operation ("create", …), for those whose limit a program may change.
        deadline: whether a limit ends the whole operation, or each wait of it may take as long.
        errors: what an operation fails with.
    """

    plugin: ClassVar[str]
    version: ClassVar[str]
    label: str
    schema: ClassVar[Schema]
    limits: ClassVar[Mapping[str, float]] = {}
    deadline: ClassVar[bool] = True
    errors: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        """Create it; its ID, as soon as there is one."""

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        """Wait until what `make` began is done, and do what needs the ID."""

    @abstractmethod
    def look(self, resource_id: str, state: Properties) -> Properties | None:
        """What the API says of it; None when it is gone. What it leaves out stays as in `state`."""

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        """Bring it from `state` to `planned`."""
        raise AssertionError(f"every change of a {self.label} replaces it")

    @abstractmethod
    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        """Delete it, and wait until it is gone."""

    @abstractmethod
    def words(self, doing: str, resource_id: str, error: Exception) -> str:
        """One of `errors` as the real provider words it; `doing` is "creating", "waiting for", "reading", "updating" or
        "deleting".
        """

    def is_gone(self, error: Exception) -> bool:
        """True when one of `errors` says that there is no such resource (any more)."""
        return False

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        """What is wrong with the inputs, beyond their types: paths, and reasons."""
        return ()

    def replaces(self, path: str, planned: Properties) -> bool:
        """True when a change at the path makes a new resource."""
        return schema.replaces(self.schema, path)

    def plan(self, state: Properties | None, inputs: Properties) -> Properties:
        """The state that the inputs lead to, from `state` (None: a new resource)."""
        return schema.plan(self.schema, state, inputs)

    def changes(self, state: Properties, planned: Properties, inputs: Properties) -> dict[str, str]:
        """The paths that an update changes, with their kinds as in `diff.Kind`."""
        return schema.changes(self.schema, state, planned, inputs)

    def foresee(self, planned: Properties, changed: set[str]) -> Properties:
        """What of a plan is not known before an update that changes the properties `changed`."""
        return {}

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        inputs = schema.inputs(self.schema, op.name, old, new)
        faults = [*schema.faults(self.schema, inputs, self.plugin), *self.faults(inputs)]
        # As the bridge has it: the reason says which property it is, and nothing else does.
        return inputs, [("", f"{fault}. Examine values at '{op.name}.{path}'.") for path, fault in faults]

    def diff(self, op: Operation, state: Properties, old: Properties, new: Properties) -> Difference:
        planned = self.plan(state, new)
        paths = {
            path: kind + ("_REPLACE" if self.replaces(path, planned) else "")
            for path, kind in self.changes(state, planned, new).items()
        }
        replaced = any(kind.endswith("_REPLACE") for kind in paths.values())
        return Difference(paths, delete_first=replaced and schema.explicitly_named(self.schema, new))

    def create(self, op: Operation, inputs: Properties) -> tuple[str, Properties]:
        planned, patience = self.plan(None, inputs), self._patience(op, "create")
        if op.preview:
            return "", schema.whole(self.schema, planned)
        known = _known(planned)
        try:
            resource_id = self.make(patience, inputs, known)
        except self.errors as error:
            raise ProviderError(self._told(op, self.words("creating", "", error))) from error
        try:
            self.settle(patience, resource_id, known)
        except self.errors as error:
            raise self._half_done("creating", "waiting for", op, resource_id, known | patience.seen, error) from error
        seen = self._retrieved("creating", op, resource_id, known | patience.seen)
        if seen is None:
            raise ProviderError(f"expected non-nil error with nil state during Create of {op.urn}")
        return resource_id, schema.whole(self.schema, known | seen)

    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        if not state:
            told = f"is not implemented by the local cloud's stand-in for the {self.plugin} plugin"
            raise ProviderError(f"importing a {self.label} {told}")
        try:
            seen = self._look(resource_id, state)
        except self.errors as error:
            told = self._told(op, self.words("reading", resource_id, error))
            raise ProviderError(f"refreshing {op.urn}: {told}") from error
        if seen is None:
            return None
        now = schema.present({key: value for key, value in (state | seen).items() if key in self.schema})
        return schema.whole(self.schema, now), schema.inputs_after_refresh(self.schema, inputs, now)

    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        planned, patience = self.plan(state, inputs), self._patience(op, "update")
        if op.preview:
            changed = {diff.top(path) for path in self.changes(state, planned, inputs)}
            return schema.whole(self.schema, planned | self.foresee(planned, changed))
        known = _known(planned)
        try:
            self.change(patience, resource_id, state, known)
        except self.errors as error:
            raise self._half_done("updating", "updating", op, resource_id, known | patience.seen, error) from error
        seen = self._retrieved("updating", op, resource_id, known | patience.seen)
        if seen is None:
            raise ProviderError(
                f"Resource provider reported that the resource did not exist while updating {op.urn}.\n\n"
                "This is usually a result of the resource having been deleted outside of Pulumi, and can often be "
                "fixed by running `pulumi refresh` before updating."
            )
        return schema.whole(self.schema, known | seen)

    def delete(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self.remove(self._patience(op, "delete"), resource_id, state)
        except self.errors as error:
            if not self.is_gone(error):
                told = self._told(op, self.words("deleting", resource_id, error))
                raise ProviderError(f"deleting {op.urn}: {told}") from error

    def _look(self, resource_id: str, state: Properties) -> Properties | None:
        try:
            return self.look(resource_id, state)
        except self.errors as error:
            if self.is_gone(error):
                return None
            raise

    def _retrieved(self, doing: str, op: Operation, resource_id: str, state: Properties) -> Properties | None:
        try:
            return self._look(resource_id, state)
        except self.errors as error:
            raise self._half_done(doing, "reading", op, resource_id, state, error) from error

    def _half_done(
        self, doing: str, step: str, op: Operation, resource_id: str, state: Properties, error: Exception
    ) -> PartialError:
        """It is recorded as far as it got, with the reason why it got no further."""
        told = self._told(op, self.words(step, resource_id, error))
        return PartialError(f"{doing} {op.urn}: {told}", resource_id, schema.whole(self.schema, state))

    def _patience(self, op: Operation, kind: str) -> Patience:
        """For as long as the operation may take. `customTimeouts` that the resource has no place for are told to be of
        no effect; those of a deletion always have one.
        """
        limit = self.limits.get(kind, _DEFAULT_LIMIT)
        if op.timeout is not None and (kind in self.limits or kind == "delete"):
            limit = op.timeout
        elif op.timeout is not None:
            op.tell("WARNING", f"Resource does not support customTimeouts, ignoring: {kind}={duration(op.timeout)}")
        return Patience(op, limit, deadline=self.deadline)

    def _told(self, op: Operation, error: str) -> str:
        """As the bridge words what Terraform reports, after it has told it once by itself."""
        provider = f"provider={self.plugin}@{self.version}"
        op.tell("ERROR", f"  sdk-v2/provider2.go:572: sdk.helper_schema: {error}: {provider}")
        return f"1 error occurred:\n\t* {error}\n\n"


def _known(planned: Any) -> Any:
    if isinstance(planned, dict):
        return {key: _known(value) for key, value in planned.items() if value is not UNKNOWN}
    if isinstance(planned, list):
        return [_known(value) for value in planned if value is not UNKNOWN]
    return planned
