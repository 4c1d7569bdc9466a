"""Fixtures of the tests with an installed package."""

from tests.wheel import built

__all__ = ["built"]
