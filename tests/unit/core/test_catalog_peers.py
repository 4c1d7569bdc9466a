"""Roles whose machines have to find each other: named in image.toml, and put into an order."""

from __future__ import annotations

import pytest

from bakewell.catalog import Catalog
from bakewell.errors import ConfigError
from tests.unit.core.conftest import Tree


def peers(**of: list[str]) -> dict[str, str]:
    """image.toml of roles that name these as their peers."""
    files = {}
    for role, names in of.items():
        head = 'description = "x"\nbase = "debian-12"\n' if role == "base" else 'description = "x"\nparent = "base"\n'
        files[f"images/{role}/image.toml"] = f"{head}[boot]\npeers = {names!r}\n"
        files |= {f"images/{role}/deploy.py": "", f"images/{role}/checks.py": ""}
    return files


def test_those_that_others_have_to_find_come_before_them(tree: Tree) -> None:
    catalog = Catalog.load(tree(peers(api=["web", "shop"], web=["shop"], shop=[])))
    assert catalog["api"].boot.peers == ["web", "shop"]
    order = catalog.peers_first()
    assert sorted(order) == sorted(catalog.roles)
    assert order.index("shop") < order.index("web") < order.index("api")
    assert catalog.roles == ("base", "api", "shop", "web"), "which says nothing about what is built first"


def test_a_peer_that_is_no_role_is_refused(tree: Tree) -> None:
    packer = tree(peers(api=["wbe"], web=[]))
    with pytest.raises(ConfigError) as caught:
        Catalog.load(packer)
    assert "role api: `peers` names `wbe`, which is no role (did you mean `web`?)" in caught.value.what
    assert caught.value.file == str(packer / "images/api/image.toml")
    assert "api, base, web" in caught.value.remedy


@pytest.mark.parametrize(
    ("of", "rings"),
    [
        ({"api": ["api"], "web": []}, ["api -> api"]),
        ({"api": ["web"], "web": ["api"]}, ["api -> web -> api", "web -> api -> web"]),
        (
            {"api": ["web"], "web": ["base"], "base": ["api"]},
            ["api -> web -> base -> api", "web -> base -> api -> web", "base -> api -> web -> base"],
        ),
    ],
)
def test_a_ring_is_told_as_a_chain(tree: Tree, of: dict[str, list[str]], rings: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Catalog.load(tree(peers(**of)))
    said = [ring for ring in rings if caught.value.what.endswith(f"lead back to itself: {ring}")]
    assert said, caught.value.what
    assert str(caught.value.file).endswith(f"images/{said[0].partition(' ')[0]}/image.toml")
    assert "consul.watches" in caught.value.remedy
