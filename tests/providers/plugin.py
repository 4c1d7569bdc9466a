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

from bakewell_local.sandbox.providers.rpc import engine_pb2, engine_pb2_grpc, provider_pb2_grpc
from bakewell_local.sandbox.providers.versions import PLUGINS
from tests.plugins_under_test import OFFLINE
from tests.providers.asking import Asked, Refused
from tests.waiting import LONGEST


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.told: list[tuple[str, str]] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.told.append((engine_pb2.LogSeverity.Name(request.severity), request.message))
        self.lines.put(request.message)
        return empty_pb2.Empty()


class Plugin(Asked):
    """A running plugin of a Pulumi home, in the folder `cwd`; end it by leaving the `with` block."""

    def __init__(self, pulumi_home: Path, name: str, cwd: Path, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(self._call)
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
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def _call(self, what: str, request: Any) -> Any:
        try:
            return getattr(self._stub, what)(request)
        except grpc.RpcError as error:
            failed: Any = error
            raise Refused(failed.details(), failed.trailing_metadata() or ()) from error

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

    def said(self, severity: str) -> list[str]:
        """What the plugin told the engine so far, with a severity ("ERROR", "WARNING")."""
        return [message for told, message in self._engine.told if told == severity]
