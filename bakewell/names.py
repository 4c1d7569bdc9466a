"""Names of what a stack has, where several clouds may have one of its kind each: resources, machines, outputs."""

from __future__ import annotations


def of(cloud: str, name: str) -> str:
    """A name that no other cloud's resource of this kind has."""
    return f"{cloud}-{name}"
