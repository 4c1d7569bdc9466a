"""Modules that no package has: the programs and steps that go into images, and scripts of workflows."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def module(path: Path) -> ModuleType:
    """A module of its own, whatever of this file was loaded before."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
