"""A Pulumi resource plugin's server: the protocol on one side, a `Provider` in plain Python on the other.

It speaks `ResourceProvider` of pulumirpc as engine 3.220 uses it. Handshake, Attach, GetSchema, Construct and the rest
answer "unimplemented", for which the engine has its fallbacks. It knows nothing of commands or clouds.
"""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2

from bakewell_local.sandbox.providers import diff as differ
from bakewell_local.sandbox.providers import values
from bakewell_local.sandbox.providers.engine import Engine, Severity
from bakewell_local.sandbox.providers.rpc import (
    CHANNEL_OPTIONS,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

Properties = dict[str, Any]
Log = Callable[[str], None]

# Threads are made as they are needed. Every operation holds one, and there must always be one left for Cancel.
_THREADS = 1024


class ProviderError(Exception):
    """An operation failed; the message is what Pulumi shows. Nothing is recorded in state."""


class PartialError(ProviderError):
    """The resource exists but did not become what it should: Pulumi records it together with the reason."""

    def __init__(self, message: str, resource_id: str, properties: Properties) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked for, apart from properties.

    Attributes:
        name: the resource's logical name in the program.
        preview: nothing may be changed; results may be unknown.
        timeout: seconds from `customTimeouts`; None where the program sets none.
        log: shows a line under the resource while it is being worked on.
        tell: adds a diagnostic to the resource, which stays.
        on_hang_up: has a function called once nobody waits for the result any more: the engine is gone, or has it.
            False where that is so already; the function is not called then.
    """

    urn: str
    name: str
    preview: bool = False
    timeout: float | None = None
    log: Log = field(default=lambda line: None)
    tell: Callable[[Severity, str], None] = field(default=lambda severity, message: None)
    on_hang_up: Callable[[Callable[[], None]], bool] = field(default=lambda function: True)


@dataclass(frozen=True, slots=True)
class Difference:
    """The answer to Diff: paths and kinds as in `diff.Kind`, with the suffix `_REPLACE` where it forces one."""

    paths: Mapping[str, str]
    delete_first: bool = False


class Resource(ABC):
    """One resource type; inputs and states are maps of property values (`values`)."""

    @abstractmethod
    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        """The inputs to use (with defaults), and failures as (property, reason)."""

    @abstractmethod
    def diff(self, op: Operation, state: Properties, old: Properties, new: Properties) -> Difference:
        """What an update from `state` (made with inputs `old`) to inputs `new` changes."""

    @abstractmethod
    def create(self, op: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Make it (or, in a preview, say what is known): its ID and state."""

    @abstractmethod
    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        """State and inputs as they are now; None when it is gone."""

    @abstractmethod
    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        """Change it in place (or, in a preview, say what is known): its state."""

    @abstractmethod
    def delete(self, op: Operation, resource_id: str, state: Properties) -> None:
        """Remove it."""


class Provider(ABC):
    """One plugin.

    Attributes:
        accepts_secrets: secrets arrive as `values.Secret`; otherwise the engine sends them in the open and marks the
            outputs of the same names again.
    """

    name: str
    version: str
    accepts_secrets: bool = False
    resources: Mapping[str, Resource]
    functions: Mapping[str, Callable[[Operation, Properties], Properties]] = MappingProxyType({})

    def check_config(self, config: Properties) -> tuple[Properties, list[str]]:
        """The configuration to use (with defaults), and why it cannot be used."""
        return config, []

    @abstractmethod
    def configure(self, config: Properties) -> None:
        """Take the provider's configuration, plain values by name."""

    def cancel(self) -> None:
        """Pulumi was interrupted, or is gone: end what may be ended. By default nothing may: what was begun is
        finished, so that Pulumi can record it.
        """
        return

    def resource(self, token: str) -> Resource:
        """The resource type named `token`.

        Raises:
            ProviderError: this stand-in does not have it.
        """
        if token not in self.resources:
            raise ProviderError(self.missing(token, self.resources))
        return self.resources[token]

    def missing(self, token: str, known: Mapping[str, object]) -> str:
        """What to tell who asks for a resource or function that is not among `known`."""
        return (
            f"{token} is not implemented by the local cloud's stand-in for the {self.name} plugin (it has "
            f"{', '.join(sorted(known))}); where the real one can be had, install it with "
            f"`pulumi plugin install resource {self.name} {self.version}`"
        )


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Translates requests and responses."""

    def __init__(self, provider: Provider, engine: Engine) -> None:
        self.provider = provider
        self._engine = engine

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            inputs, reasons = self.provider.check_config(values.read(request.news))
            failures = [provider_pb2.CheckFailure(reason=reason) for reason in reasons]
            return provider_pb2.CheckResponse(inputs=values.write(inputs), failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        changed = differ.changes(values.read(request.old_inputs), values.read(request.news))
        return _difference(Difference(changed))

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            self.provider.configure(values.plain(values.read(request.args)))
        accepts = self.provider.accepts_secrets
        return provider_pb2.ConfigureResponse(acceptSecrets=accepts, supportsPreview=True, acceptResources=accepts)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.provider.cancel()
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        functions = self.provider.functions
        with _failures(context):
            if request.tok not in functions:
                raise ProviderError(self.provider.missing(request.tok, functions))
            op = self._operation("", request.tok, context)
            response = provider_pb2.InvokeResponse()
            # The field is called `return`, which Python reserves.
            getattr(response, "return").CopyFrom(values.write(functions[request.tok](op, values.read(request.args))))
            return response

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            inputs, failures = resource.check(op, values.read(request.olds), values.read(request.news))
            told = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]
            return provider_pb2.CheckResponse(inputs=values.write(inputs), failures=told)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            old, new = values.read(request.old_inputs), values.read(request.news)
            return _difference(resource.diff(op, values.read(request.olds), old, new))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            resource_id, state = resource.create(op, values.read(request.properties))
            return provider_pb2.CreateResponse(id=resource_id, properties=values.write(state))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            found = resource.read(op, request.id, values.read(request.properties), values.read(request.inputs))
            if found is None:
                return provider_pb2.ReadResponse()
            state, inputs = (values.write(properties) for properties in found)
            return provider_pb2.ReadResponse(id=request.id, properties=state, inputs=inputs)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            state = resource.update(op, request.id, values.read(request.olds), values.read(request.news))
            return provider_pb2.UpdateResponse(properties=values.write(state))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with _failures(context):
            op, resource = self._resource(request, context)
            resource.delete(op, request.id, values.read(request.properties))
            return empty_pb2.Empty()

    def _resource(self, request: Any, context: grpc.ServicerContext) -> tuple[Operation, Resource]:
        _, _, kind, name = request.urn.split("::", 3)
        asked = {"preview": getattr(request, "preview", False), "timeout": getattr(request, "timeout", 0) or None}
        op = self._operation(request.urn, name, context, **asked)
        return op, self.provider.resource(kind.rsplit("$", 1)[-1])

    def _operation(self, urn: str, name: str, context: grpc.ServicerContext, **asked: Any) -> Operation:
        return Operation(
            urn=urn,
            name=name,
            log=partial(self._engine.log, urn),
            tell=lambda severity, message: self._engine.tell(severity, urn, message),
            on_hang_up=context.add_callback,
            **asked,
        )


class _failures:
    """Turns a ProviderError of the block into the status that Pulumi understands."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, PartialError):
            self._partial(error)
        elif isinstance(error, ProviderError):
            self._context.abort(grpc.StatusCode.UNKNOWN, str(error))
        elif isinstance(error, UnicodeEncodeError):
            message = "grpc: error while marshaling: string field contains invalid UTF-8"
            self._context.abort(grpc.StatusCode.INTERNAL, message)

    def _partial(self, error: PartialError) -> NoReturn:
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id, properties=values.write(error.properties), reasons=[str(error)]
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(detail)
        self._context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        self._context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _difference(found: Difference) -> Any:
    kinds = provider_pb2.PropertyDiff.Kind
    top = {path: differ.top(path) for path in found.paths}
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if found.paths else response.DIFF_NONE,
        diffs=sorted(set(top.values())),
        replaces=sorted({top[path] for path, kind in found.paths.items() if kind.endswith("_REPLACE")}),
        deleteBeforeReplace=found.delete_first,
        detailedDiff={path: provider_pb2.PropertyDiff(kind=kinds.Value(k)) for path, k in found.paths.items()},
        hasDetailedDiff=bool(found.paths),
    )


def serve(provider: Provider, arguments: Sequence[str]) -> NoReturn:
    """Serve `provider` until the engine goes away. Flags such as --logtostderr are accepted and mean nothing here.

    As a real plugin does, it ends some time after the engine, once its last operation has ended, too. That its stdin
    ends means nothing.
    """
    # The engine ends a plugin by SIGINT; a Go plugin dies of that at once, and so must this.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    engine = Engine(addresses[-1] if addresses else None)
    threads = ThreadPoolExecutor(max_workers=_THREADS)
    server = grpc.server(threads, options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    engine.await_end()
    server.stop(None)
    threads.shutdown(wait=True)
    os._exit(0)
