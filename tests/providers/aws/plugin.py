"""The plugin in this process, asked as the engine asks it, one resource at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from sandbox.providers import values
from sandbox.providers.aws.provider import AwsProvider
from sandbox.providers.engine import Engine
from sandbox.providers.rpc import provider_pb2
from sandbox.providers.server import Servicer
from tests.providers.aws.cloud import REGION, LocalAws
from tests.providers.plugin import urn


class Refused(Exception):
    """The plugin answered with an error."""


class _Context:
    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise Refused(details)

    def add_callback(self, function: Callable[[], None]) -> bool:
        return True

    def set_trailing_metadata(self, metadata: Any) -> None:
        self.metadata = metadata


class Plugin:
    """A configured plugin; `config` goes to it as the SDK sends it: text, or JSON in text."""

    def __init__(self, aws: LocalAws, **config: Any) -> None:
        endpoints = dict.fromkeys(("ec2", "ssm", "sts", "autoscaling"), aws.endpoint)
        self.servicer = Servicer(AwsProvider(), Engine(None))
        self.context: Any = _Context()
        given = {"region": REGION, "endpoints": [endpoints], **config}
        self._config = {key: v if isinstance(v, str) else json.dumps(v) for key, v in given.items() if v is not None}

    def check_config(self) -> tuple[dict[str, Any], list[str]]:
        checked = self.servicer.CheckConfig(provider_pb2.CheckRequest(news=values.write(self._config)), self.context)
        return values.read(checked.inputs), [failure.reason for failure in checked.failures]

    def configure(self) -> Plugin:
        self.servicer.Configure(provider_pb2.ConfigureRequest(args=values.write(self._config)), self.context)
        return self

    def check(self, token: str, name: str, old: Any, /, **inputs: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The inputs to use; reasons for refusing them, by the property that they name."""
        request = provider_pb2.CheckRequest(urn=urn(token, name), olds=values.write(old), news=values.write(inputs))
        checked = self.servicer.Check(request, self.context)
        assert {failure.property for failure in checked.failures} <= {""}
        reasons = [failure.reason for failure in checked.failures]
        paths = [re.search(r"Examine (?:values at )?'[^.]+\.(.+)'", reason) for reason in reasons]
        named = {path[1] if path else reason.split()[0]: reason for path, reason in zip(paths, reasons, strict=True)}
        return values.read(checked.inputs), named

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        request = provider_pb2.InvokeRequest(tok=token, args=values.write(arguments))
        return values.read(getattr(self.servicer.Invoke(request, self.context), "return"))

    def preview(self, token: str, name: str, /, **inputs: Any) -> dict[str, Any]:
        """What a preview knows of a resource that is to be."""
        checked, failures = self.check(token, name, {}, **inputs)
        assert failures == {}
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=values.write(checked), preview=True)
        return values.read(self.servicer.Create(request, self.context).properties)

    def make(self, token: str, name: str, /, **inputs: Any) -> Made:
        """Create it."""
        return Made(self, token, name, inputs)

    def imported(self, token: str, name: str, resource_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """State and inputs of what is there; None where it is not."""
        return self.read(token, name, resource_id, {}, {})

    def read(
        self, token: str, name: str, resource_id: str, state: Any, inputs: Any
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """State and inputs as they are now; None where it is gone."""
        properties, given = values.write(state), values.write(inputs)
        request = provider_pb2.ReadRequest(id=resource_id, urn=urn(token, name), properties=properties, inputs=given)
        found = self.servicer.Read(request, self.context)
        return (values.read(found.properties), values.read(found.inputs)) if found.id else None


class Made:
    """A resource, with what the engine would have in state."""

    def __init__(self, plugin: Plugin, token: str, name: str, inputs: dict[str, Any]) -> None:
        self._plugin, self._token, self._name = plugin, token, name
        self.inputs, failures = plugin.check(token, name, {}, **inputs)
        assert failures == {}
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=values.write(self.inputs))
        created = plugin.servicer.Create(request, plugin.context)
        self.id = created.id
        self.state = values.read(created.properties)

    def diff(self, **inputs: Any) -> Any:
        """The answer to Diff: `detailedDiff`, `replaces`, `deleteBeforeReplace`."""
        request = provider_pb2.DiffRequest(
            id=self.id,
            urn=urn(self._token, self._name),
            olds=values.write(self.state),
            old_inputs=values.write(self.inputs),
            news=values.write(self._checked(inputs)),
        )
        return self._plugin.servicer.Diff(request, self._plugin.context)

    def changes(self, **inputs: Any) -> dict[str, str]:
        """The paths that change, with their kinds."""
        kinds = provider_pb2.PropertyDiff.Kind
        return {path: kinds.Name(one.kind) for path, one in self.diff(**inputs).detailedDiff.items()}

    def preview(self, **inputs: Any) -> dict[str, Any]:
        """What a preview of an update knows."""
        return self._update(self._checked(inputs), preview=True)

    def update(self, **inputs: Any) -> None:
        checked = self._checked(inputs)
        self.state, self.inputs = self._update(checked), checked

    def refresh(self) -> bool:
        """Read it; False when it is gone."""
        found = self._plugin.read(self._token, self._name, self.id, self.state, self.inputs)
        if found is not None:
            self.state, self.inputs = found
        return found is not None

    def delete(self, timeout: float = 0) -> None:
        request = provider_pb2.DeleteRequest(
            id=self.id, urn=urn(self._token, self._name), properties=values.write(self.state), timeout=timeout
        )
        self._plugin.servicer.Delete(request, self._plugin.context)

    def _checked(self, inputs: dict[str, Any]) -> dict[str, Any]:
        checked, failures = self._plugin.check(self._token, self._name, self.inputs, **inputs)
        assert failures == {}
        return checked

    def _update(self, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            id=self.id,
            urn=urn(self._token, self._name),
            olds=values.write(self.state),
            old_inputs=values.write(self.inputs),
            news=values.write(inputs),
            preview=preview,
        )
        return values.read(self._plugin.servicer.Update(request, self._plugin.context).properties)
