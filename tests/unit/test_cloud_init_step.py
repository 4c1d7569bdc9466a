"""The settings that the step cloud_init makes of what it finds; its checks test them on a machine."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.unit.by_path import module

STEP = Path(__file__).resolve().parents[2] / "packer" / "steps" / "cloud_init" / "__init__.py"


@pytest.fixture(scope="module")
def step() -> ModuleType:
    return module(STEP)


def config(**lists: list[Any]) -> dict[str, list[Any]]:
    empty: dict[str, list[Any]] = {
        "datasource_list": [],
        "cloud_init_modules": [],
        "cloud_config_modules": [],
        "cloud_final_modules": [],
    }
    return empty | lists


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("DataSourceNoCloud", "NoCloud"),
        ("DataSourceNoCloudNet", "NoCloud"),
        ("DataSourceConfigDrive", "ConfigDrive"),
        ("DataSourceDigitalOcean", "DigitalOcean"),
        ("DataSourceEc2Local", "Ec2"),
        ("DataSourceNone", ""),
        ("", ""),
    ],
)
def test_a_data_source_is_named_as_the_list_names_it(step: ModuleType, source: str, name: str) -> None:
    assert step.source_name(source) == name


def test_the_one_that_the_builder_found_is_the_only_one(step: ModuleType) -> None:
    text = step.settings(config(datasource_list=["NoCloud", "Ec2", "None"]), "DataSourceEc2Local", grub=False)
    # Exactly so: a shell script reads this line, too.
    assert "\ndatasource_list: [ Ec2, None ]\n" in text


def test_a_second_run_after_sealing_keeps_what_the_first_one_found(step: ModuleType) -> None:
    modules = ["migrator", "bootcmd"]
    before = config(datasource_list=["NoCloud", "Ec2", "None"], cloud_init_modules=modules)
    first = step.settings(before, "DataSourceNoCloud", grub=False)
    assert step.settings(yaml.safe_load(first), "", grub=False) == first


def test_root_is_let_in_also_where_the_vendors_image_does_not(step: ModuleType) -> None:
    assert yaml.safe_load(step.settings(config(), "DataSourceEc2Local", grub=False))["disable_root"] is False


def test_nothing_is_pinned_where_nothing_was_found(step: ModuleType) -> None:
    assert "datasource_list" not in step.settings(config(), "DataSourceNone", grub=False)


def test_the_clouds_own_modules_stay_in_their_order_without_the_unneeded(step: ModuleType) -> None:
    modules = [
        "migrator",
        "bootcmd",
        "clouds-own",
        ["ssh-authkey-fingerprints", "always"],
        ["ssh", "always"],
        "salt-minion",
    ]
    said = yaml.safe_load(step.settings(config(cloud_final_modules=modules), "DataSourceNoCloud", grub=False))
    assert said["cloud_final_modules"] == ["bootcmd", "clouds-own", ["ssh", "always"]]


@pytest.mark.parametrize(("grub", "kept"), [(True, ["grub-dpkg"]), (False, [])])
def test_the_boot_loaders_disk_is_told_where_there_is_one(step: ModuleType, grub: bool, kept: list[str]) -> None:
    said = yaml.safe_load(step.settings(config(cloud_config_modules=["grub-dpkg"]), "DataSourceNoCloud", grub=grub))
    assert said["cloud_config_modules"] == kept
