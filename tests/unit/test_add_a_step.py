"""docs/add-a-step.md is true: what it shows, written where it says, is a step that an image can have."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.context import Context
from bakewell.downloads import declared, used

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "add-a-step.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:^    (?P<path>packer/\S+)\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
DIGEST = "0" * 64


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """The project's packer/ with the document's step, and an image that uses it as the document says."""
    packer = tmp_path / "packer"
    shutil.copytree(ROOT / "packer", packer, ignore=shutil.ignore_patterns("__pycache__", "images"))
    blocks = list(BLOCK.finditer(TEXT))
    for block in blocks:
        if block["path"]:
            file = tmp_path / block["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block["text"], encoding="utf-8")
    image, deploy = (block["text"] for block in blocks if not block["path"])
    folder = packer / "images" / "secrets"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text(f'description = "with the step"\nbase = "debian-12"\n{image}')
    (folder / "deploy.py").write_text(deploy)
    (folder / "checks.py").write_text("def test_it(host):\n    assert host\n")
    return Catalog.load(packer)


def test_the_step_that_is_shown_is_one(catalog: Catalog) -> None:
    folder = catalog.step_path("vault")
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == ["__init__.py", "checks.py", "downloads.toml"]
    compile((folder / "checks.py").read_text(), "checks.py", "exec")
    code = "from steps import vault; print(vault.agent.deploy_name)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=catalog.packer_dir, capture_output=True, text=True, check=True
    )
    assert said.stdout == "Vault\n"


def test_an_image_that_uses_it_as_shown_is_staged_with_its_download(catalog: Catalog) -> None:
    spec = catalog["secrets"]
    (download,) = [(one.name, version) for one, version in used(spec, declared(catalog))]
    bases = Bases.load(catalog.packer_dir / "bases.lock")
    bases.update_download(*download, {"x86_64": DIGEST})
    context = Context.collect(catalog, "secrets", "digitalocean", bases)
    paths = {file.path for file in context.files}
    assert {"steps/vault/__init__.py", "steps/vault/checks.py", "steps/release/__init__.py", "downloads.json"} <= paths
