"""Names of what a stack has, where several clouds may have one of its kind each: resources, machines, outputs."""

from __future__ import annotations


def of(cloud: str, name: str) -> str:
    """A name that no other cloud's resource of this kind has.

    DigitalOcean's have no prefix: it was the first cloud, and a resource that gets another name is made anew.
    """
    return name if cloud == "digitalocean" else f"{cloud}-{name}"
