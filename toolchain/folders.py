"""Where set-up keeps things outside the clone: XDG folders of the user, read from the environment at each call."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def cache() -> Path:
    """What can be made again at the cost of time: built tools, the base machine's file system."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """What this user's machine is running for us: the record of an engine that we started."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def _xdg(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default) / "bakewell"
