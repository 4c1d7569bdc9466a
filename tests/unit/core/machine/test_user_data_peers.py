"""Machines that are told where others are, because no Consul tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bakewell.catalog import Catalog
from bakewell.errors import ConfigError
from bakewell.user_data import LIMITS, MACHINE_FILE, UserData
from bakewell.user_data.model import PEERS_FOLDER
from tests.unit.core.conftest import Tree

REAL = Catalog.load(Path(__file__).parents[4] / "packer")
API, SHOP = f"{PEERS_FOLDER}/api", f"{PEERS_FOLDER}/shop"


def files(text: str) -> dict[str, Any]:
    """What is written, by path, in the order of the text."""
    return {file["path"]: file["content"] for file in yaml.safe_load(text)["write_files"]}


def test_a_file_a_role_has_a_line_a_machine_and_is_written_before_the_machines_own() -> None:
    machine = UserData(role="web", peers=["api", "shop"])
    told = files(machine.render(cloud="aws", peers={"api": ["10.0.0.1:8080", "10.0.0.2:8080"], "other": ["x"]}))
    assert list(told) == [API, SHOP, MACHINE_FILE]
    assert told[API] == "10.0.0.1:8080\n10.0.0.2:8080\n"
    assert told[SHOP] == "", "nobody is there, which it is told as well"


def test_an_image_that_names_peers_asks_consul_where_there_is_a_cluster(tree: Tree) -> None:
    toml = 'description = "web"\nparent = "base"\n[boot]\npeers = ["api"]\n'
    for consul in ("", "[consul]\n"):
        spec = Catalog.load(tree({"images/web/image.toml": toml + consul, "images/web/deploy.py": ""}))["web"]
        assert UserData.of_role(spec.own_role, clustered=False).peers == ["api"]
        # A role without a part in Consul has nobody else to ask.
        assert UserData.of_role(spec.own_role, clustered=True).peers == ([] if consul else ["api"])


def test_what_a_preview_measures_is_as_long_as_any_address() -> None:
    machine = UserData(role="web", peers=["api"])
    measured = machine.largest("us-east-1", 0, "aws", {"api": 2})
    assert files(measured)[API] == "255.255.255.255:65535\n" * 2
    real = machine.render(cloud="aws", peers={"api": ["10.0.0.1:80", "10.0.0.2:80"]})
    assert len(measured) - len(real) == 2 * (len("255.255.255.255:65535") - len("10.0.0.1:80"))


def test_peers_count_towards_the_clouds_limit() -> None:
    machine = UserData(role="web", peers=["api"])
    assert len(machine.largest("us-east-1", 0, "aws", {"api": 100}).encode()) < LIMITS["aws"]
    with pytest.raises(ConfigError, match=r"user_data of web is \d{5} bytes, and aws takes 16384"):
        machine.largest("us-east-1", 0, "aws", {"api": 1000})
    machine.largest("nyc3", 0, "digitalocean", {"api": 1000})


@pytest.mark.parametrize("role", REAL.roles)
def test_every_role_of_the_catalog_fits_aws_with_many_peers(role: str) -> None:
    machine = UserData.of_role(REAL.role(role), clustered=False)
    text = machine.largest("us-east-1", 0, "aws", dict.fromkeys(machine.peers, 100))
    assert len(text.encode()) < LIMITS["aws"] // 2


def test_the_pair_of_nodes_find_each_other_by_it() -> None:
    assert UserData.of_role(REAL.role("web-node"), clustered=False).peers == ["app-node"]
