"""Three layers: the package's shared files, the project's packer/, a role's folder. The last that has a file wins."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.catalog.layers import Layers
from bakewell.context import Context
from bakewell.downloads import declared, used
from bakewell.errors import ConfigError
from bakewell.fingerprint import Fingerprint, fingerprints
from tests.small_project import FILES, write

REPOSITORY = Path(__file__).parents[3] / "packer"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
OF_A_PROJECT = ("images/", "bases.lock")
SHARED = {path: text for path, text in FILES.items() if not path.startswith(OF_A_PROJECT)}
OWN = {path: text for path, text in FILES.items() if path.startswith(OF_A_PROJECT)}

Make = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """packer/ of a project with nothing but images and bases.lock, and `own`; the rest is what the package ships."""
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", write(tmp_path / "package", SHARED))

    def make(own: Mapping[str, str | None] | None = None) -> Path:
        shutil.rmtree(tmp_path / "project", ignore_errors=True)
        return write(tmp_path / "project" / "packer", {**OWN, **(own or {})})

    return make


def collect(packer: Path, role: str = "web") -> Context:
    return Context.collect(Catalog.load(packer), role, "digitalocean")


def prints(packer: Path, cloud: str = "digitalocean", mirror: Path | None = None) -> dict[str, Fingerprint]:
    return fingerprints(Catalog.load(packer), cloud, Bases.load(packer / "bases.lock", mirror), now=NOW)


def layers(packer: Path) -> dict[str, str]:
    return collect(packer).layers


def test_a_project_of_roles_alone_has_the_shared_files_and_steps(project: Make) -> None:
    found = layers(project())
    shared = ["build.pkr.hcl", "digitalocean.pkr.hcl", "provision.sh", "steps/__init__.py", "steps/nginx.py"]
    assert [found[path] for path in shared] == ["shared"] * len(shared)
    assert found["deploy.py"] == found["image.toml"] == "role" and found["image.auto.pkrvars.json"] == "generated"
    assert "README.md" not in found and "bases.lock" not in found


def test_fingerprints_are_those_of_the_same_files_in_one_folder(project: Make, tmp_path: Path) -> None:
    assert prints(project()) == prints(write(tmp_path / "whole" / "packer", FILES))


@pytest.mark.parametrize("cloud", ["digitalocean", "aws", "docker"])
def test_a_role_of_this_repository_is_the_same_image_in_another_project(
    cloud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", REPOSITORY)
    packer = tmp_path / "packer"
    shutil.copytree(REPOSITORY / "images", packer / "images")
    shutil.copy(REPOSITORY / "bases.lock", packer)
    catalog = Catalog.load(REPOSITORY)
    needed = [(one.name, version) for spec in catalog for one, version in used(spec, declared(catalog))]
    mirror = tmp_path / "downloads.toml"
    mirror.write_text("".join(f'[{name}."{version}"]\nx86_64 = "{"0" * 64}"\n' for name, version in sorted({*needed})))
    assert prints(packer, cloud, mirror) == prints(REPOSITORY, cloud, mirror)


def test_a_file_of_the_project_takes_the_shared_ones_place_and_a_role_s_the_projects(project: Make) -> None:
    own = project({"provision.sh": "#!/bin/sh\n: of the project\n", "build.pkr.hcl": "build {\n}\n"})
    write(own, {"images/web/build.pkr.hcl": "# of the role\n", "extra.txt": "more\n"})
    found = {file.path: file for file in collect(own).files}
    assert found["provision.sh"].source == own / "provision.sh" and found["provision.sh"].layer == "project"
    assert found["build.pkr.hcl"].source == own / "images/web/build.pkr.hcl" and found["build.pkr.hcl"].layer == "role"
    assert found["extra.txt"].layer == "project"
    assert {file.path: file.layer for file in collect(own, "api").files}["build.pkr.hcl"] == "project"


def test_a_step_is_taken_as_a_whole(project: Make) -> None:
    deploy = {"images/web/deploy.py": "from steps import docker, mine, seal\n"}
    own = project({**deploy, "steps/docker.py": "URL = ''\n", "steps/mine/__init__.py": "from .. import seal\n"})
    found = layers(own)
    assert (
        found["steps/docker.py"] == found["steps/mine/__init__.py"] == "project" and found["steps/seal.py"] == "shared"
    )
    assert not any(path.startswith("steps/docker/") for path in found), "a part of the package's step would be left"


def test_what_a_removed_step_leaves_behind_is_no_step(project: Make) -> None:
    own = project()
    (own / "steps" / "nginx" / "__pycache__").mkdir(parents=True)
    assert layers(own)["steps/nginx.py"] == "shared"


def test_a_copied_file_that_was_not_changed_is_a_shared_file_still(project: Make) -> None:
    before = prints(project())
    assert prints(project({path: str(SHARED[path]) for path in ("provision.sh", "steps/nginx.py")})) == before


def test_the_diff_names_the_layer_and_its_keys_stay(project: Make) -> None:
    before = prints(project())["web"].digests
    after = prints(project({"provision.sh": "#!/bin/sh\n:\n"}))["web"].digests
    assert before.keys() == after.keys()
    assert before["provision.sh"].endswith(" (shared)") and after["provision.sh"].endswith(" (project)")
    assert len(before["provision.sh"].split()[0]) == 16


def test_an_unknown_step_is_refused_with_those_of_both_layers(project: Make) -> None:
    with pytest.raises(ConfigError) as caught:
        Catalog.load(project({"images/web/deploy.py": "import steps.ngnx\n", "steps/mine.py": ""}))
    assert "did you mean `nginx`" in caught.value.what and "docker, mine, nginx, seal" in caught.value.remedy


def test_a_package_without_its_files_is_refused(project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", tmp_path / "gone")
    with pytest.raises(ConfigError, match="the shared files are missing") as caught:
        Layers.of(project())
    assert "install the package bakewell again" in caught.value.remedy
