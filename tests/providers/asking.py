"""A plugin, asked as the engine asks it, one resource at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from bakewell_local.sandbox.providers import values
from bakewell_local.sandbox.providers.rpc import provider_pb2, status_pb2


class Refused(Exception):
    """The plugin answered with an error.

    Attributes:
        partial: what is recorded together with the error: `id`, `properties`, `reasons`; None for nothing.
    """

    def __init__(self, message: str, metadata: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(message)
        self.partial: Any = None
        details = dict(metadata).get("grpc-status-details-bin")
        if details is not None:
            self.partial = provider_pb2.ErrorResourceInitFailed()
            assert status_pb2.Status.FromString(details).details[0].Unpack(self.partial)


class Asked:
    """A plugin behind `call`, which sends a request of the protocol by its name and raises Refused."""

    def __init__(self, call: Callable[[str, Any], Any]) -> None:
        self.call = call

    def check_config(self, **config: Any) -> tuple[dict[str, Any], list[str]]:
        """The configuration to use; reasons for refusing it."""
        checked = self.call("CheckConfig", provider_pb2.CheckRequest(news=values.write(config)))
        return values.read(checked.inputs), [failure.reason for failure in checked.failures]

    def configure(self, **config: str) -> Any:
        request = provider_pb2.ConfigureRequest(
            args=values.write(config), acceptSecrets=True, sends_old_inputs=True, sends_old_inputs_to_delete=True
        )
        return self.call("Configure", request)

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        answer = self.call("Invoke", provider_pb2.InvokeRequest(tok=token, args=values.write(arguments)))
        return values.read(getattr(answer, "return"))

    def check(self, token: str, name: str, old: Any, /, **inputs: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The inputs to use; reasons for refusing them, by the property that they name."""
        request = provider_pb2.CheckRequest(urn=urn(token, name), olds=values.write(old), news=values.write(inputs))
        checked = self.call("Check", request)
        bridged = not token.startswith("command:")
        assert not bridged or {failure.property for failure in checked.failures} <= {""}, "the reason says which"
        reasons = [failure.reason for failure in checked.failures]
        paths = [re.search(r"Examine values at '[^.]+\.(.+)'", reason) for reason in reasons]
        named = {path[1] if path else reason.split()[0]: reason for path, reason in zip(paths, reasons, strict=True)}
        return values.read(checked.inputs), named

    def preview(self, token: str, name: str, /, **inputs: Any) -> dict[str, Any]:
        """What a preview knows of a resource that is to be."""
        return self.create(token, name, self.checked(token, name, {}, inputs), preview=True)[1]

    def make(self, token: str, name: str, /, **inputs: Any) -> Made:
        """Create it."""
        given = self.checked(token, name, {}, inputs)
        return Made(self, token, name, given, *self.create(token, name, given))

    def checked(self, token: str, name: str, old: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs to use, which nothing speaks against."""
        checked, failures = self.check(token, name, old, **inputs)
        assert failures == {}
        return checked

    def create(self, token: str, name: str, inputs: Any, **options: Any) -> tuple[str, dict[str, Any]]:
        """The ID and the state; options are `preview` and the `timeout` of `customTimeouts`."""
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=values.write(inputs), **options)
        made = self.call("Create", request)
        return made.id, values.read(made.properties)


class Made:
    """A resource, with what the engine would have in state."""

    def __init__(
        self, plugin: Asked, token: str, name: str, inputs: dict[str, Any], resource_id: str, state: dict[str, Any]
    ) -> None:
        self._plugin, self._token, self._name = plugin, token, name
        self.id, self.inputs, self.state = resource_id, inputs, state
        self.urn = urn(token, name)

    def diff(self, **inputs: Any) -> Any:
        """The answer to Diff: `detailedDiff`, `replaces`, `deleteBeforeReplace`."""
        return self._ask("Diff", olds=self.state, old_inputs=self.inputs, news=self._checked(inputs))

    def changes(self, **inputs: Any) -> dict[str, str]:
        """The paths that change, with their kinds."""
        kinds = provider_pb2.PropertyDiff.Kind
        return {path: kinds.Name(one.kind) for path, one in self.diff(**inputs).detailedDiff.items()}

    def replaced(self, **inputs: Any) -> tuple[list[str], bool]:
        """The properties whose change makes another resource, and whether this one then goes first."""
        found = self.diff(**inputs)
        return list(found.replaces), found.deleteBeforeReplace

    def preview(self, **inputs: Any) -> dict[str, Any]:
        """What a preview of an update knows."""
        return self._update(self._checked(inputs), preview=True)

    def update(self, **inputs: Any) -> None:
        checked = self._checked(inputs)
        self.state, self.inputs = self._update(checked), checked

    def refresh(self) -> bool:
        """Read it; False when it is gone."""
        found = self._ask("Read", properties=self.state, inputs=self.inputs)
        if found.id:
            self.state, self.inputs = values.read(found.properties), values.read(found.inputs)
        return bool(found.id)

    def delete(self, timeout: float = 0) -> None:
        self._ask("Delete", timeout=timeout, properties=self.state)

    def _checked(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self._plugin.checked(self._token, self._name, self.inputs, inputs)

    def _update(self, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        given = {"olds": self.state, "old_inputs": self.inputs, "news": inputs}
        return values.read(self._ask("Update", preview=preview, **given).properties)

    def _ask(self, what: str, **given: Any) -> Any:
        request: Any = getattr(provider_pb2, f"{what}Request")
        wired = {key: values.write(value) if isinstance(value, dict) else value for key, value in given.items()}
        return self._plugin.call(what, request(id=self.id, urn=self.urn, **wired))


def urn(token: str, name: str) -> str:
    """The URN of a resource of a component."""
    return f"urn:pulumi:dev::rows::bakewell:index:Thing${token}::{name}"
