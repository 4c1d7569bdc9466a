"""Pulumi.yaml and the dev stacks as they are committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bakewell.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "app-stack"
TYPES = {int: "integer", bool: "boolean", str: "string", list: "array", dict: "object"}


def config(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["config"]
    return found


def test_declared_config_is_what_settings_are() -> None:
    declared = config(ROOT / "Pulumi.yaml")
    defaults = Settings().model_dump()
    assert {key: entry["default"] for key, entry in declared.items()} == {
        f"bakewell:{key}": value for key, value in defaults.items()
    }
    assert {key: entry["type"] for key, entry in declared.items()} == {
        f"bakewell:{key}": TYPES[type(value)] for key, value in defaults.items()
    }
    assert all(entry["description"] for entry in declared.values())


def test_the_dev_stack_is_for_the_local_cloud_only() -> None:
    settings = load_settings("dev", ROOT)
    assert settings.local
    assert {role: machine.count for role, machine in settings.digitalocean.droplets.items()} == {"web": 1, "api": 1}


@pytest.mark.parametrize("folder", [ROOT, APP], ids=["platform", "app"])
def test_a_committed_salt_keeps_pulumi_from_writing_into_the_clone(folder: Path) -> None:
    assert yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())["encryptionsalt"].startswith("v1:")
