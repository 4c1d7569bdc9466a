"""A plugin without an engine: it is started as the engine starts it, and asked over gRPC."""

from __future__ import annotations

import os
import queue
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2

from sandbox.providers import values
from sandbox.providers.rpc import engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from sandbox.providers.versions import PLUGINS
from tests.plugins_under_test import OFFLINE
from tests.waiting import LONGEST


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.lines: queue.Queue[str] = queue.Queue()

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.lines.put(request.message)
        return empty_pb2.Empty()


class Plugin:
    """A running plugin of a Pulumi home, in the folder `cwd`; end it by leaving the `with` block."""

    def __init__(self, pulumi_home: Path, name: str, cwd: Path, environment: Mapping[str, str] | None = None) -> None:
        self._engine = _Engine()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        engine_pb2_grpc.add_EngineServicer_to_server(self._engine, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        binary = pulumi_home / f"plugins/resource-{name}-v{PLUGINS[name]}/pulumi-resource-{name}"
        self.process = subprocess.Popen(
            [str(binary), "--logtostderr", "-v=9", f"127.0.0.1:{port}"],
            cwd=cwd,
            env={**OFFLINE, **(os.environ if environment is None else environment)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        assert self.process.stdout is not None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{int(self.process.stdout.readline())}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._server.stop(None)
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait(timeout=LONGEST)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def hang_up(self) -> None:
        """Be gone for the plugin, in the middle of whatever it was asked for."""
        self._channel.close()

    def end_engine(self) -> None:
        """Answer the plugin no more, as an engine that was killed."""
        self.hang_up()
        self._server.stop(None).wait()

    def line(self) -> str:
        """The next line that the plugin logs."""
        return self._engine.lines.get(timeout=LONGEST)

    def configure(self, **config: str) -> Any:
        args = values.write(config)
        return self.stub.Configure(
            provider_pb2.ConfigureRequest(
                args=args, acceptSecrets=True, sends_old_inputs=True, sends_old_inputs_to_delete=True
            )
        )

    def create(self, urn: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
        made = self.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=values.write(inputs)))
        return made.id, values.read(made.properties)

    def check(self, urn: str, **inputs: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The inputs to use; failures as (property, reason)."""
        checked = self.stub.Check(provider_pb2.CheckRequest(urn=urn, news=values.write(inputs)))
        return values.read(checked.inputs), [(failure.property, failure.reason) for failure in checked.failures]


def urn(token: str, name: str) -> str:
    """The URN of a resource of a component."""
    return f"urn:pulumi:dev::rows::bakewell:index:Thing${token}::{name}"
