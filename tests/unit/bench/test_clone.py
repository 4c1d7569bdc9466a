"""The clone that benches work in."""

from __future__ import annotations

from pathlib import Path

from bakewell import desired
from bakewell.catalog import Catalog
from bakewell.settings import load_settings
from bench.clone import Clone


def test_a_clone_with_images_of_its_own_asks_for_no_other(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", {}, "bench-clone")
    clone.image("base")
    clone.image("app", parent="base")
    settings = load_settings("dev", clone.root)
    assert (settings.project, settings.roles, settings.digitalocean.droplets) == ("bench-clone", [], {})
    desired.check(settings, Catalog.load(clone.root / "packer"), "Pulumi.dev.yaml")
