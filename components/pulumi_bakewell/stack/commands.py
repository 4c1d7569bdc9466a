"""What all Commands of a stack have in common."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pulumi
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub
from pulumi.runtime.settings import get_engine

from bakewell.errors import ConfigError
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


def check() -> None:
    """Refuse a stack whose Commands would not find `bakewell`, or would run another version of it.

    Raises:
        ConfigError: it is not on PATH, or is not of this installation's version.
    """
    own = Path(sys.executable).parent
    found = shutil.which("bakewell")
    if found is None:
        raise ConfigError(
            "the command `bakewell`, which builds the images, is not on PATH",
            remedy=f"run: export PATH={own}:$PATH" if (own / "bakewell").is_file() else "run: pip install bakewell",
        )
    if Path(found).absolute().parent == own:
        return
    try:
        asked = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60, check=False)
        told = asked.stdout.strip() if asked.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        told = ""
    if told != version("bakewell"):
        raise ConfigError(
            f"two versions of bakewell: the command on PATH is {told or 'of none that can be told'}, "
            f"the components, in {own.parent}, are {version('bakewell')}",
            file=found,
            remedy=f"install the same version in both places, or run: export PATH={own}:$PATH",
        )
