"""What all Commands of a stack have in common."""

from __future__ import annotations

import pulumi
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub
from pulumi.runtime.settings import get_engine

from bakewell.settings import Environment, engine

STACK_OF_BEFORE = ["environment.BAKEWELL_STACK"]
"""Changes to ignore. Commands had the stack's name among their inputs, and those in a state still do. Dropped, it would
rerun each of them, and a preview would replace every machine; kept as it is, nobody notices. Nothing reads it: see
`bakewell.settings.engine`."""


def announce(environment: Environment) -> None:
    """Have the commands that this run starts know for which stack. A preview starts none, nor does a test's mock.

    Raises:
        BakewellError: as `bakewell.settings.engine.announce`.
    """
    if not pulumi.runtime.is_dry_run() and isinstance(get_engine(), EngineStub):
        engine.announce(environment.state_dir, pulumi.get_stack())
