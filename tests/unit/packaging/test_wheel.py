"""What users install: nothing of the repository is missing, and nothing in it is somebody else's name or business."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from bakewell import extras
from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.context import Context
from tests.wheel import ROOT, Built

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = {"bakewell", "bakewell_local", "pulumi_bakewell"}
SHIPPED = ("bakewell/", "bakewell_local/", "components/pulumi_bakewell/", "packer/")
NOT_SHARED = ("packer/images/", "packer/README.md", "packer/bases.lock")


@pytest.fixture(scope="module")
def files(built: Built) -> dict[str, bytes]:
    with zipfile.ZipFile(built.wheel) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


@pytest.fixture(scope="module")
def metadata(files: dict[str, bytes]) -> Message:
    (text,) = (content for name, content in files.items() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(text.decode())


def tracked() -> set[str]:
    """Every file of the checkout that git would commit."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in out.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_has_no_top_level_name_but_its_own(files: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in files} == {*PACKAGES, f"bakewell-{PROJECT['version']}.dist-info"}


def test_packages_and_shared_layer_are_complete(files: dict[str, bytes]) -> None:
    for name in sorted(name for name in tracked() if name.startswith(SHIPPED) and not name.startswith(NOT_SHARED)):
        place = f"bakewell/{name}" if name.startswith("packer/") else name.removeprefix("components/")
        assert files.get(place) == (ROOT / name).read_bytes(), place
    assert not any(name.startswith("bakewell/packer/images/") for name in files)


def test_no_test_and_no_path_of_this_machine_is_in_wheel_or_sdist(built: Built, files: dict[str, bytes]) -> None:
    with tarfile.open(built.sdist) as sdist:
        sources = {each.name: sdist.extractfile(each) for each in sdist.getmembers() if each.isfile()}
        every = files | {name: source.read() for name, source in sources.items() if source is not None}
    here = f"{ROOT}/".encode()
    assert [name for name in every if re.search(r"(^|/)(tests?/|test_[^/]*\.py$|conftest\.py$|\.venv)", name)] == []
    assert [name for name, content in every.items() if here in content] == []


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_checkout(files: dict[str, bytes], tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    options = ["--wheel", "--offline", "--no-build-isolation", "--quiet", f"--python={sys.executable}"]
    subprocess.run([uv, "build", *options, f"--out-dir={tmp_path}"], cwd=ROOT, check=True)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        assert {name: wheel.read(name) for name in wheel.namelist()} == files


def test_the_metadata_says_what_a_cloud_needs_and_ranges_for_the_rest(metadata: Message) -> None:
    requires = metadata.get_all("Requires-Dist") or []
    assert set(metadata.get_all("Provides-Extra") or []) == {"ansible", "aws", "dev", "digitalocean", "docker", "local"}
    assert metadata["License-Expression"] == "Apache-2.0" and str(metadata.get_payload()).startswith("# ")
    core = {re.split(r"[<>=!~\[ ;]", line)[0] for line in requires if "extra ==" not in line}
    assert {"pulumi", "pulumi-command", "pyinfra"} <= core
    assert not core & {"pulumi-aws", "pulumi-digitalocean", "boto3", "docker", "moto", "fastapi", "hypothesis"}
    exact = {line.partition("==")[0] for line in requires if "==" in line.partition(";")[0] and "'dev'" not in line}
    assert exact == {"pyinfra", "pytest-testinfra", "moto[server]", "ansible-core"}, "a range lets others' packages be"


@pytest.mark.parametrize("cloud", sorted(extras.MODULES))
def test_the_extra_of_a_cloud_installs_the_modules_that_are_looked_for(cloud: str) -> None:
    listed = [re.split(r"[<>=]", line)[0].replace("-", "_") for line in PROJECT["optional-dependencies"][cloud]]
    assert sorted(listed) == sorted(extras.MODULES[cloud])


def test_an_installed_wheel_stages_a_project_without_templates_as_this_repository_does(
    built: Built, tmp_path: Path
) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extractall(site)
    image = 'description = "hello"\nbase = "debian-12"\n'
    hello = project / "packer" / "images" / "hello"
    hello.mkdir(parents=True)
    shutil.copy(ROOT / "packer" / "bases.lock", project / "packer")
    for name, text in {"image.toml": image, "deploy.py": "from steps import seal\n", "checks.py": ""}.items():
        (hello / name).write_text(text)
    (project / "Pulumi.yaml").write_text("name: hello\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config:\n  bakewell:local: true\n")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(tmp_path)}
    environment["BAKEWELL_STATE"] = str(tmp_path / "state")
    code = "import bakewell, runpy; print(bakewell.__file__); runpy.run_module('bakewell', run_name='__main__')"
    words = [sys.executable, "-c", code, "stage", "hello", str(tmp_path / "out"), "--json"]
    done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where, said = done.stdout.splitlines()
    assert where == str(site / "bakewell" / "__init__.py")
    here = shutil.copytree(ROOT / "packer", tmp_path / "whole" / "packer", ignore=shutil.ignore_patterns("images"))
    shutil.copytree(hello, here / "images" / "hello")
    expected = Context.collect(Catalog.load(here), "hello", "digitalocean", Bases.load(here / "bases.lock"))
    digests = {path: shown.split()[0] for path, shown in expected.digests.items()}
    assert {path: shown.split()[0] for path, shown in json.loads(said)["files"].items()} == digests
    assert json.loads(said)["files"]["provision.py"].endswith("(shared)")
