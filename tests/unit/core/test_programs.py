"""Which steps an image has, and what its programs may import: read from files, nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.catalog import Catalog
from tests.unit.core.conftest import Tree, refused

SEALING = {
    "before.py": "import steps.docker\n",
    "after.py": "from steps import seal\n\nseal.seal()\n",
    **{f"images/{role}/deploy.py": "" for role in ("base", "web")},
}


def steps(packer: Path) -> tuple[str, ...]:
    return Catalog.load(packer)["api"].steps


@pytest.mark.parametrize(
    "source",
    [
        "from steps import docker",
        "import steps.docker",
        "import steps.docker.repository as r",
        "from steps.docker.repository import URL",
        "def later():\n    from steps.docker import repository",
        "import importlib\nimportlib.import_module('steps.docker')",
        "from pyinfra import local\nlocal.include('tasks/more.py')",
        "import own",
        "from own import x",
        "import inner.deep",
    ],
)
@pytest.mark.parametrize("name", ["deploy.py", "checks.py", "conftest.py"])
def test_a_step_that_is_imported_is_the_images(tree: Tree, source: str, name: str) -> None:
    own = {
        "tasks/more.py": "from steps import docker\n",
        "own.py": "from steps import docker\n",
        "inner/__init__.py": "from . import deep\n",
        "inner/deep.py": "from steps import docker\n",
    }
    files = {f"images/api/{path}": text for path, text in (own | {name: source}).items()}
    assert steps(tree(files)) == ("docker",)


def test_files_that_no_program_imports_are_only_files(tree: Tree) -> None:
    files = {
        "images/api/files/service.py": "import requests\nfrom steps import nginx\n",
        "images/api/spare.py": "import x\n",
    }
    assert steps(tree(files | {"steps/docker/files/tool.py": "import cloudinit\n"})) == ()


@pytest.mark.parametrize(
    "source", ["from . import docker", "from .docker import repository", "from steps import docker"]
)
@pytest.mark.parametrize("name", ["steps/nginx.py", "steps/__init__.py"])
def test_steps_of_steps_are_the_images(tree: Tree, name: str, source: str) -> None:
    assert steps(tree({"images/api/deploy.py": "import steps.nginx\n", name: source})) == ("docker", "nginx")


def test_a_step_may_be_a_folder_whose_files_import_each_other(tree: Tree) -> None:
    changes = {
        "images/api/deploy.py": "from steps.docker import inner\n",
        "steps/docker/inner/__init__.py": "from ..repository import URL\nfrom ... import seal\n",
    }
    assert steps(tree(changes)) == ("docker", "seal")


def test_before_and_after_are_every_images_and_a_role_may_have_its_own(tree: Tree) -> None:
    assert steps(tree(SEALING)) == ("docker", "seal")
    assert steps(tree(SEALING | {"images/api/after.py": "", "images/api/before.py": ""})) == ()


def test_an_import_of_a_step_that_does_not_exist_is_refused(tree: Tree) -> None:
    error = refused(tree({"images/web/deploy.py": "\nfrom steps.ngnix import install"}), "images/web/deploy.py")
    assert "line 2 of deploy.py imports steps.ngnix, which does not exist (did you mean `nginx`?)" in error.what


def test_what_the_package_itself_defines_is_no_step(tree: Tree) -> None:
    changes = {"steps/__init__.py": "HERE = 1\n", "images/api/deploy.py": "import os\nfrom steps import HERE\n"}
    assert steps(tree(changes)) == ()


def test_a_step_of_two_forms_is_refused(tree: Tree) -> None:
    assert "both nginx.py and a folder" in refused(tree({"steps/nginx/__init__.py": ""}), "steps/nginx.py").what


@pytest.mark.parametrize(
    "source",
    [
        "import yaml",
        "import yaml.nodes as n",
        "from yaml import load",
        "if True:\n    import yaml",
        "try:\n    import yaml\nexcept ImportError:\n    pass",
        "__import__('yaml')",
        "import bakewell",
        "import jinja2",
    ],
)
@pytest.mark.parametrize("name", ["images/web/deploy.py", "images/web/checks.py", "steps/nginx.py", "before.py"])
def test_what_no_fingerprint_covers_is_not_imported(tree: Tree, name: str, source: str) -> None:
    error = refused(tree({name: source, "images/api/before.py": "", "images/base/before.py": ""}), name)
    root = next(word for word in ("yaml", "bakewell", "jinja2") if word in source)
    assert f"of {name.removeprefix('images/web/')} imports {root}, which no build has" in error.what
    assert error.what.startswith("image web: line ")


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\nimport json, os.path\nfrom collections.abc import Iterator",
        "from pyinfra import host\nfrom pyinfra.operations import files\nfrom testinfra.host import Host",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from yaml import Node\nelse:\n    Node = None",
        "import pytest\nfrom pydantic import BaseModel",
    ],
)
def test_what_a_build_has_is_imported(tree: Tree, source: str) -> None:
    assert steps(tree({"images/api/deploy.py": source})) == ()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from steps import seal\n\nseal.seal()\n", 3),
        ("from steps import seal as s\ns.seal()\n", 2),
        ("from steps.seal import seal\nif True:\n    seal(name='x')\n", 3),
        ("import steps.seal\nsteps.seal.seal()\n", 2),
    ],
)
def test_an_image_is_sealed_once(tree: Tree, source: str, line: int) -> None:
    error = refused(tree(SEALING | {"images/api/deploy.py": source}), "images/api/deploy.py")
    assert f"image api: line {line} of deploy.py seals the image, and after.py does so after it" in error.what
    own = SEALING | {"images/api/deploy.py": source, "images/api/after.py": ""}
    assert steps(tree(own)) == ("docker", "seal")


def test_reading_what_the_step_has_is_no_sealing(tree: Tree) -> None:
    files = {"images/api/deploy.py": "from steps import seal\nprint(seal.GONE)\n"}
    assert steps(tree(SEALING | files)) == ("docker", "seal")


def test_steps_may_check_for_an_image_but_somebody_has_to(tree: Tree) -> None:
    without = {"images/api/checks.py": None, "images/api/deploy.py": "from steps import docker\n"}
    assert "nothing checks it" in refused(tree(without), "images/api/checks.py").what
    assert steps(tree(without | {"steps/docker/checks.py": "def test_it(host): ...\n"})) == ("docker",)
