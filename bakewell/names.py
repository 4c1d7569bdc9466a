"""Names that are unique across the clouds of a stack: of resources, machines and outputs."""

from __future__ import annotations


def of(cloud: str, name: str) -> str:
    """A name that is different from those of other clouds."""
    return f"{cloud}-{name}"
