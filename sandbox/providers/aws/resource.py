"""The frame that every AWS resource fills: the bridge's part is here, the API calls are in the subclass."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.providers.aws import schema
from sandbox.providers.aws.schema import Failures, Schema
from sandbox.providers.aws.session import Cloud
from sandbox.providers.server import Difference, Operation, PartialError, Properties, ProviderError, Resource
from sandbox.providers.values import UNKNOWN

# The real provider waits 10 s before its first look and up to 10 s between looks. Short, but never zero.
LOOK_SECONDS = 0.2
DEFAULT_TIMEOUT = 10 * 60.0
_T = TypeVar("_T")


class WaitError(Exception):
    """What was waited for did not come to be."""


class AwsResource(Resource):
    """One type of resource behind the API.

    Attributes:
        label: as the real provider's errors name it ("EC2 Instance").
    """

    label: str
    schema: ClassVar[Schema]

    def __init__(self) -> None:
        self.cloud: Cloud

    @abstractmethod
    def make(self, inputs: Properties, planned: Properties) -> str:
        """Create it; its ID, as soon as there is one."""

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        """Wait until what `make` began is done, and do what needs the ID."""

    @abstractmethod
    def look(self, resource_id: str, state: Properties) -> Properties | None:
        """What the API says of it; None when it is gone. `state` has at least its region."""

    @abstractmethod
    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        """Bring it from `state` to `planned`."""

    @abstractmethod
    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        """Delete it, and wait until it is gone; no error where it was gone before."""

    def faults(self, name: str, inputs: Properties) -> Failures:
        """What is wrong with the inputs, beyond their types, as (property, reason)."""
        return []

    def replaces(self, path: str, planned: Properties) -> bool:
        """True when a change at the path makes a new resource."""
        fields: Schema = self.schema
        for part in re.sub(r"\[\d+\]", "", path).split("."):
            if part not in fields or fields[part].replaces:
                return part in fields
            fields = fields[part].fields or {}
        return False

    def plan(self, state: Properties | None, inputs: Properties) -> Properties:
        """The state that the inputs lead to, from `state` (None: a new resource)."""
        planned = schema.plan(self.schema, state, inputs)
        if "tagsAll" in self.schema:
            own = planned.get("tags") or {}
            unknown = own is UNKNOWN or any(value is UNKNOWN for value in own.values())
            planned["tagsAll"] = UNKNOWN if unknown else {**self.cloud.settings.default_tags, **own}
        return planned

    def foresee(self, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        """What of a plan is not known before an update that changes the properties `changed`."""
        return {}

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, Failures]:
        inputs, failures = schema.check(self.schema, op.name, old, new)
        if "region" not in inputs:
            inputs["region"] = self.cloud.region
            inputs[schema.DEFAULTS] = sorted([*inputs[schema.DEFAULTS], "region"])
        # As the bridge has it: the reason says which property it is, and nothing else does.
        return inputs, [("", reason) for _, reason in (*failures, *self.faults(op.name, inputs))]

    def diff(self, op: Operation, state: Properties, old: Properties, new: Properties) -> Difference:
        planned = self.plan(state, new)
        paths = {
            path: kind + ("_REPLACE" if self.replaces(path, planned) else "")
            for path, kind in schema.changes(self.schema, state, planned, new).items()
        }
        # Tags of the provider's own configuration have no input of the resource that could show them.
        if "tagsAll" in self.schema and not paths and state.get("tagsAll", {}) != planned.get("tagsAll", {}):
            paths = {"tagsAll": "UPDATE"}
        replaced = any(kind.endswith("_REPLACE") for kind in paths.values())
        return Difference(paths, delete_first=replaced and schema.explicitly_named(self.schema, new))

    def create(self, op: Operation, inputs: Properties) -> tuple[str, Properties]:
        planned = self.plan(None, inputs)
        if op.preview:
            return "", planned
        known = _known(planned)
        try:
            resource_id = self.make(inputs, known)
        except (ClientError, BotoCoreError, WaitError) as error:
            raise self._failure(op, "creating", error, "") from error
        try:
            self.settle(op, resource_id, known)
            seen = self.look(resource_id, known)
        except (ClientError, BotoCoreError, WaitError) as error:
            told = self._told(op, "creating", f"waiting for {self.label} ({resource_id}) create: {self._words(error)}")
            raise PartialError(told, resource_id, known) from error
        if seen is None:
            raise ProviderError(self._told(op, "creating", f"reading {self.label} ({resource_id}): couldn't find it"))
        return resource_id, self.merge(known, seen)

    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        before = state or {"region": self.cloud.region}
        try:
            seen = self.look(resource_id, before)
        except (ClientError, BotoCoreError) as error:
            told = f"reading {self.label} ({resource_id}): {self._words(error)}"
            raise ProviderError(self._told(op, "refreshing", told)) from error
        if seen is None:
            return None
        defaults = {key: field.default for key, field in self.schema.items() if field.default is not None}
        now = {key: value for key, value in self.merge(state or defaults, seen).items() if key in self.schema}
        if not state:
            return now, schema.inputs_of_import(self.schema, now)
        return now, schema.inputs_after_refresh(self.schema, inputs, now)

    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        planned = self.plan(state, inputs)
        if op.preview:
            changed = {_top(path) for path in schema.changes(self.schema, state, planned, inputs)}
            return planned | self.foresee(state, planned, changed)
        try:
            self.change(op, resource_id, state, _known(planned))
            seen = self.look(resource_id, planned)
        except (ClientError, BotoCoreError, WaitError) as error:
            raise self._failure(op, "updating", error, f" ({resource_id})") from error
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
        except (ClientError, BotoCoreError, WaitError) as error:
            raise self._failure(op, "deleting", error, f" ({resource_id})") from error

    def merge(self, state: Properties, seen: Properties) -> Properties:
        """The state once the API was asked."""
        return {key: value for key, value in (state | seen).items() if value is not None}

    def client(self, service: str, properties: Properties) -> Any:
        """A client of the service in the resource's own region."""
        return self.cloud.client(service, properties.get("region"))

    def arn(self, service: str, resource: str, properties: Properties) -> str:
        region = properties.get("region") or self.cloud.region
        return f"arn:{self.cloud.partition}:{service}:{region}:{self.cloud.account_id}:{resource}"

    def tags_seen(self, tags: list[Any], state: Properties) -> Properties:
        """`tags` and `tagsAll` from what the API lists: tags of the provider's configuration are no tags of ours."""
        every = {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}
        own: Mapping[str, str] = state.get("tags") or {}
        inherited = self.cloud.settings.default_tags
        mine = {key: value for key, value in every.items() if key in own or inherited.get(key) != value}
        return {"tags": mine, "tagsAll": every}

    def retag(self, resource_id: str, state: Properties, planned: Properties) -> None:
        """Change the tags of an EC2 resource."""
        old, new = state.get("tagsAll") or {}, planned.get("tagsAll") or {}
        client = self.client("ec2", planned)
        gone = [{"Key": key} for key in old if key not in new]
        if gone:
            client.delete_tags(Resources=[resource_id], Tags=gone)
        fresh = {key: value for key, value in new.items() if old.get(key) != value}
        if fresh:
            client.create_tags(Resources=[resource_id], Tags=tag_list(fresh))

    def _failure(self, op: Operation, verb: str, error: Exception, which: str) -> ProviderError:
        return ProviderError(self._told(op, verb, f"{verb} {self.label}{which}: {self._words(error)}"))

    def _words(self, error: Exception) -> str:
        return self.cloud.words(error)

    def _told(self, op: Operation, verb: str, message: str) -> str:
        """As the bridge words what Terraform reports."""
        return f"{verb} {op.urn}: 1 error occurred:\n\t* {message}\n\n"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of the API takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def has_code(error: ClientError, *codes: str) -> bool:
    """True when the API refused with one of the codes."""
    return error.response.get("Error", {}).get("Code") in codes


def changed(state: Properties, planned: Properties) -> set[str]:
    """The properties that differ; an empty value is none."""
    before, after = schema.evened(state, planned)
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def wait_for(look: Callable[[], tuple[str, _T]], target: str, pending: tuple[str, ...], timeout: float) -> _T:
    """Call `look` until it says `target`; it returns a state's name and what it saw. Without `pending`, any other state
    is waited through.

    Raises:
        WaitError: a state that is neither `target` nor `pending`, or `timeout` seconds have passed.
    """
    until = time.monotonic() + timeout
    while True:
        state, seen = look()
        if state == target:
            return seen
        if pending and state not in pending:
            raise WaitError(f"unexpected state '{state}', wanted target '{target}'. last error: {seen or '%!s(<nil>)'}")
        if time.monotonic() > until:
            told = f"(last state: '{state}', timeout: {timeout:.0f}s)"
            raise WaitError(f"timeout while waiting for state to become '{target}' {told}")
        time.sleep(LOOK_SECONDS)


def _known(planned: Any) -> Any:
    if isinstance(planned, dict):
        return {key: _known(value) for key, value in planned.items() if value is not UNKNOWN}
    if isinstance(planned, list):
        return [_known(value) for value in planned if value is not UNKNOWN]
    return planned


def _top(path: str) -> str:
    return path.replace("[", ".").split(".")[0]
