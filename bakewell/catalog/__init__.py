"""The catalog: which images exist (`packer/images/*/image.toml`) and which is built on which."""

from bakewell.catalog.graph import Catalog
from bakewell.catalog.machine import Boot, Compose, Consul, Health, Watch
from bakewell.catalog.spec import ImageSpec, Rebuild

__all__ = ["Boot", "Catalog", "Compose", "Consul", "Health", "ImageSpec", "Rebuild", "Watch"]
