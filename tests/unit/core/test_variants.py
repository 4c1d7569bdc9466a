"""Several images of one folder, and what a project states once for several images."""

from __future__ import annotations

import json
import os
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.catalog.spec import ImageFile
from bakewell.context import Context
from bakewell.errors import ConfigError
from bakewell.fingerprint import Fingerprint, fingerprints
from tests.unit.core.conftest import Tree

NODE = """
description = "node"
parent = "base"
shared = ["registry", "nginx"]
[versions]
nodejs = "18.0"
[variables]
workers = 2
[variants]
web = { node_type = "web" }
worker = { node_type = "worker", workers = 8, base = "debian-12", versions = { nodejs = "20.0" } }
"""
SHARED = '[versions]\nnginx = "1.22"\nother = "1"\n[variables]\nregistry = "registry.example.com"\n'


@pytest.fixture
def packer(tree: Tree) -> Path:
    return folder(tree)


def folder(tree: Tree, node: str = NODE, shared: str | None = SHARED, **more: str) -> Path:
    own = {"images/node/image.toml": node, "images/node/deploy.py": "", "images/node/checks.py": ""}
    return tree({**own, "shared.toml": shared, **more})


def prints(packer: Path) -> dict[str, Fingerprint]:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return fingerprints(Catalog.load(packer), "digitalocean", Bases.load(packer / "bases.lock"), now=now)


def refused(tree: Tree, node: str = NODE, shared: str | None = SHARED, **more: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Catalog.load(folder(tree, node, shared, **more))
    assert caught.value.remedy and caught.value.file
    return caught.value.what


def data(packer: Path, role: str, tmp_path: Path) -> dict[str, Any]:
    """What deploy.py finds in `host.data`, by the inventory as it is staged."""
    Context.collect(Catalog.load(packer), role, "digitalocean").stage(tmp_path / role)
    told = {"BUILD_HOST": "h", "BUILD_KEY_FILE": "k", "BUILD_IMAGE": "i", "BUILD_ROLE": role}
    before, there = dict(os.environ), Path.cwd()
    inventory = Path(__file__).parents[3] / "packer" / "inventory.py"
    os.environ.update(told)
    os.chdir(tmp_path / role)
    try:
        found: dict[str, Any] = runpy.run_path(str(inventory))["build"][0][1]
    finally:
        os.chdir(there)
        os.environ.clear()
        os.environ.update(before)
    return found


def test_a_folder_is_its_variants(packer: Path) -> None:
    catalog = Catalog.load(packer)
    assert "node" not in catalog and {"node-web", "node-worker"} < set(catalog.roles)
    web, worker = catalog["node-web"], catalog["node-worker"]
    assert web.folder == worker.folder and (web.parent, worker.parent, worker.base) == ("base", None, "debian-12")
    assert web.variables == {"workers": 2, "node_type": "web"} and worker.variables["workers"] == 8
    assert web.versions == {"nodejs": "18.0"} and worker.every_version == {"nginx": "1.22", "nodejs": "20.0"}


def test_a_deploy_finds_its_variants_values_and_the_shared_ones(packer: Path, tmp_path: Path) -> None:
    found = data(packer, "node-worker", tmp_path)
    assert found["role"] == "node-worker" and found["versions"] == {"nginx": "1.22", "nodejs": "20.0"}
    assert found["variables"] == {"registry": "registry.example.com", "workers": 8, "node_type": "worker"}


def test_only_images_that_take_a_shared_value_change_with_it_and_the_diff_names_the_file(packer: Path) -> None:
    before = prints(packer)
    (packer / "shared.toml").write_text(SHARED.replace('other = "1"', 'other = "2"'))
    assert prints(packer) == before, "nobody takes it"
    (packer / "shared.toml").write_text(SHARED.replace("registry.example", "images.example"))
    after = prints(packer)
    changed = {role for role in before if before[role].value != after[role].value}
    assert changed == {"node-web", "node-worker"}
    differing = {
        path for path, digest in after["node-web"].digests.items() if before["node-web"].digests[path] != digest
    }
    assert differing == {"shared.toml"}


def test_a_variant_changes_without_the_others(packer: Path) -> None:
    before = prints(packer)
    (packer / "images/node/image.toml").write_text(NODE.replace("workers = 8", "workers = 9"))
    after = prints(packer)
    assert {role for role in before if before[role] != after[role]} == {"node-worker"}


def test_what_cannot_be_variants(tree: Tree) -> None:
    assert "no table of variants" in refused(tree, NODE.partition("[variants]")[0] + "[variants]\n")
    assert "no table of variants" in refused(tree, NODE.partition("[variants]")[0] + "[variants]\nweb = 1\n")
    assert "cannot name an image" in refused(tree, NODE.replace("worker = {", "Worker = {"))
    assert "image node-web: `variables`: `node_type`" in refused(
        tree, NODE.replace('node_type = "web"', "node_type = []")
    )
    arm = NODE.replace("web = { node_type", 'web = { arch = "arm64", node_type')
    assert "`variants.web` says `arch`, which is no variable" in refused(tree, arm)
    for key in ImageFile.model_fields.keys() - {"parent", "base", "versions"}:
        other = NODE.replace("web = { node_type", f"web = {{ {key} = 1, node_type")
        assert f"`variants.web` says `{key}`, which is no variable" in refused(tree, other)
    twin = {"images/node-web/image.toml": 'description = "x"\nparent = "base"\n'}
    twin |= {"images/node-web/deploy.py": "", "images/node-web/checks.py": ""}
    assert "node-web is there twice" in refused(tree, **twin)


def test_what_cannot_be_shared(tree: Tree) -> None:
    misspelt = NODE.replace('"registry"', '"regstry"')
    assert "shared.toml does not have (did you mean `registry`?)" in refused(tree, misspelt)
    assert "does not have" in refused(tree, shared=None)
    assert "stated here too" in refused(tree, NODE.replace('nodejs = "18.0"', 'nginx = "1"'))
    assert "stands under [versions] and under [variables]" in refused(tree, shared=SHARED + 'nginx = "x"\n')
    assert "secret" in refused(tree, shared=SHARED + 'api_token = "s3cr3ts3cr3t"\n')
    assert "in the way" in refused_context(tree)


def refused_context(tree: Tree) -> str:
    packer = folder(tree, **{"images/node/shared.toml": ""})
    with pytest.raises(Exception, match=r"shared\.toml is in the way") as caught:
        prints(packer)
    return str(caught.value)


def test_the_staged_file_holds_no_more_than_the_image_takes(packer: Path) -> None:
    context = Context.collect(Catalog.load(packer), "node-web", "digitalocean")
    (staged,) = [file for file in context.files if file.path == "shared.toml"]
    assert staged.content is not None and b"other" not in staged.content and staged.layer == "project"
    assert json.dumps(staged.content.decode()).count("registry") == 2
