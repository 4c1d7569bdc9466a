"""The catalog: which images exist (`packer/images/*/image.toml`), what each is built on, and roles of machines."""

from bakewell.catalog.graph import Catalog
from bakewell.catalog.role import Boot, Compose, Consul, Health, Role, Watch
from bakewell.catalog.spec import ImageSpec, Rebuild

__all__ = ["Boot", "Catalog", "Compose", "Consul", "Health", "ImageSpec", "Rebuild", "Role", "Watch"]
