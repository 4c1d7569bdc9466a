"""The engine that a plugin works for: what a plugin tells it, and whether it is still there."""

from __future__ import annotations

import time
from threading import Event, Lock
from typing import Any, Literal

import grpc

from bakewell_local.sandbox.providers import pace
from bakewell_local.sandbox.providers.rpc import CHANNEL_OPTIONS, engine_pb2, engine_pb2_grpc

Severity = Literal["INFO", "WARNING", "ERROR"]
# A real plugin asks this often.
_HEALTH_CHECK_SECONDS = 5 * 60.0


class Engine:
    """The engine at `address`; None for no engine, to which nothing can be told and which never ends."""

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._channel: grpc.Channel | None = None
        self._lock = Lock()

    def log(self, urn: str, line: str) -> None:
        """Show a line under a resource while it is worked on."""
        self._send(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line, urn=urn, ephemeral=True))

    def tell(self, severity: Severity, urn: str, message: str) -> None:
        """Add a diagnostic, which stays, to a resource."""
        self._send(engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.Value(severity), message=message, urn=urn))

    def await_end(self) -> None:
        """Return once the engine does not answer any more; it is asked every five minutes (`pace`)."""
        if self._address is None:
            Event().wait()
        while True:
            time.sleep(pace.scaled(_HEALTH_CHECK_SECONDS))
            try:
                check: Any = self._connected().unary_unary("/grpc.health.v1.Health/Check")
                check(b"")
            except grpc.RpcError as error:
                # Any other answer, "unimplemented" too, is an answer.
                failed: Any = error
                if failed.code() is grpc.StatusCode.UNAVAILABLE:
                    return

    def _send(self, message: Any) -> None:
        if self._address is None:
            return
        try:
            engine_pb2_grpc.EngineStub(self._connected()).Log(message)
        except grpc.RpcError:
            # The engine is gone or going: nobody is left to read the line, and `await_end` ends this process.
            return

    def _connected(self) -> grpc.Channel:
        with self._lock:
            if self._channel is None:
                options = [*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0)]
                self._channel = grpc.insecure_channel(str(self._address), options=options)
            return self._channel
