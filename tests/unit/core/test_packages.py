"""Which versions of PyInfra and testinfra an image requires, and that others are refused."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from bakewell.catalog import Catalog
from bakewell.catalog.packages import NEEDED, check_packages, packages
from bakewell.context import Context
from bakewell.errors import ConfigError
from tests.unit.core.conftest import Tree

ROOT = Path(__file__).parents[3]


def context(packer: Path) -> Context:
    return Context.collect(Catalog.load(packer), "web", "digitalocean")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no file says which versions of pyinfra and pytest-testinfra"),
        ("pyinfra==3.10.0\n", "no version of pytest-testinfra is stated"),
        ("pyinfra>=3,<4\npytest-testinfra==10.2.2\n", "`pyinfra>=3,<4` does not name one version"),
        ("pyinfra==3.*\npytest-testinfra==10.2.2\n", "does not name one version"),
        ("-r other.txt\n", "does not name one version"),
    ],
)
def test_anything_but_exact_versions_of_both_is_refused(tree: Tree, text: str | None, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        packages(context(tree({"requirements.txt": text})))
    assert said in caught.value.what and caught.value.remedy


def test_comments_spaces_and_further_packages_are_fine(tree: Tree) -> None:
    text = "# why\nPyInfra == 3.10.0  # here\n\npytest-testinfra==10.2.2\njinja2==3.1.6\n"
    assert packages(context(tree({"requirements.txt": text}))) == {
        "pyinfra": "3.10.0",
        "pytest-testinfra": "10.2.2",
        "jinja2": "3.1.6",
    }


@pytest.mark.parametrize("name", NEEDED)
def test_another_version_than_the_installed_one_is_refused_by_name_file_and_remedy(tree: Tree, name: str) -> None:
    stated = {package: version(package) for package in NEEDED} | {name: "0.0.1"}
    packer = tree({"requirements.txt": "".join(f"{package}=={one}\n" for package, one in stated.items())})
    with pytest.raises(ConfigError) as caught:
        check_packages(context(packer))
    assert f"{name} is {version(name)}, but image web requires 0.0.1" in caught.value.what
    assert caught.value.file == str(packer / "requirements.txt") and f"pip install {name}==0.0.1" in caught.value.remedy


def test_ours_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    stated = (ROOT / "packer/requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in stated if not line.startswith("#")} <= set(project["project"]["dependencies"])
