"""The catalog: which images exist (`packer/images/*/image.toml`) and which is built on which."""

from bakewell.catalog.graph import Catalog
from bakewell.catalog.spec import Boot, Health, ImageSpec, Rebuild

__all__ = ["Boot", "Catalog", "Health", "ImageSpec", "Rebuild"]
