"""The package, built once."""

from __future__ import annotations

from tests.wheel import built

__all__ = ["built"]
