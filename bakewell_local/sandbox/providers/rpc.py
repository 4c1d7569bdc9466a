"""Pulumi's generated gRPC modules, without Pulumi.

`import pulumi` costs a third of a second, which every `pulumi preview` would pay twice, once for each stand-in. The
generated modules import only each other, so they are loaded here as a package of their own from the same files.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

# Pulumi's own limit on messages, for both directions.
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.server_max_unrequested_time_in_server", 30 * 60),
)

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:

    def _load(name: str) -> ModuleType:
        package = "sandbox_pulumirpc"
        if package not in sys.modules:
            spec = find_spec("pulumi")
            if spec is None or spec.origin is None:
                raise ImportError("the stand-in providers need the pulumi package of this environment")
            module = ModuleType(package)
            module.__path__ = [str(Path(spec.origin).parent / "runtime" / "proto")]
            sys.modules[package] = module
        return import_module(f"{package}.{name}")

    engine_pb2 = _load("engine_pb2")
    engine_pb2_grpc = _load("engine_pb2_grpc")
    plugin_pb2 = _load("plugin_pb2")
    provider_pb2 = _load("provider_pb2")
    provider_pb2_grpc = _load("provider_pb2_grpc")
    status_pb2 = _load("status_pb2")

__all__ = [
    "CHANNEL_OPTIONS",
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
