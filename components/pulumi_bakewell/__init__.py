"""Bakewell's components for Pulumi: the only place that creates resources.

Components make no decisions. `bakewell`, which imports no pulumi, determines which images exist, their content, and
which images may be deleted. The names in `__all__` are the public API; everything else is internal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_bakewell.digitalocean.limits import droplet_options
    from pulumi_bakewell.digitalocean.provider import digitalocean_provider
    from pulumi_bakewell.image_retention import ImageRetention, ImageRetentionArgs
    from pulumi_bakewell.images import Images, ImagesArgs
    from pulumi_bakewell.machines import Machines, MachinesArgs
    from pulumi_bakewell.published_images import PublishedImages, PublishedImagesArgs
    from pulumi_bakewell.stack.session import clouds
    from pulumi_bakewell.user_data import user_data

__all__ = [
    "ImageRetention",
    "ImageRetentionArgs",
    "Images",
    "ImagesArgs",
    "Machines",
    "MachinesArgs",
    "PublishedImages",
    "PublishedImagesArgs",
    "clouds",
    "digitalocean_provider",
    "droplet_options",
    "user_data",
]

_MODULES = {
    "ImageRetention": "image_retention",
    "ImageRetentionArgs": "image_retention",
    "Images": "images",
    "ImagesArgs": "images",
    "Machines": "machines",
    "MachinesArgs": "machines",
    "PublishedImages": "published_images",
    "PublishedImagesArgs": "published_images",
    "clouds": "stack.session",
    "digitalocean_provider": "digitalocean.provider",
    "droplet_options": "digitalocean.limits",
    "user_data": "user_data",
}


def __getattr__(name: str) -> Any:
    """A public name, imported at its first use, because importing a cloud's SDK takes a second of every preview."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
