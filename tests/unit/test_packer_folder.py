"""The packer/ folder as it is committed: cheap checks of the rules that its README states. No network, no Packer."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from bakewell.catalog import Catalog
from bakewell.settings import CloudName

PACKER = Path(__file__).resolve().parents[2] / "packer"
STEPS = PACKER / "steps"
ROLES = sorted(path.parent.name for path in (PACKER / "images").glob("*/image.toml"))
STEPS_OF = {spec.role: spec.steps for spec in Catalog.load(PACKER)}
STEP_NAMES = {path.name.removesuffix(".py") for path in STEPS.iterdir() if not path.name.startswith("_")}
FOR_PROJECTS = {"ansible", "fetch", "script"}
"""Steps that no image of this repository has: they run what other teams bring."""
CLOUDS = sorted(get_args(CloudName))


def read(role: str) -> dict[str, Any]:
    return tomllib.loads((PACKER / "images" / role / "image.toml").read_text(encoding="utf-8"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def steps_imported(path: Path) -> set[str]:
    """Names of the steps that a file, or any file of a folder, imports."""
    found: set[str] = set()
    for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ImportFrom) and node.module == "steps":
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("steps."):
                found.add(str(node.module).split(".")[1])
    return found


def checks_in(path: Path) -> Iterator[ast.FunctionDef]:
    return (n for n in tree(path).body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_"))


def calls_in(file: str) -> list[str]:
    """What a file of packer/ calls, in order: ["identity.record", …]."""
    found = [node for node in ast.walk(tree(PACKER / file)) if isinstance(node, ast.Call)]
    return [ast.unparse(node.func) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]


def downloads(step: str) -> dict[str, Any]:
    """What a step declares that it downloads."""
    file = STEPS / step / "downloads.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def test_the_images_that_people_run_are_there() -> None:
    wanted = {"base", "consul-server", "api", "landing", "sites", "web", "grafana"}
    wanted |= {"database", "neo4j", "node-base", "node-nginx", "web-node", "app-node"}
    assert wanted <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_an_image_has_checks_and_each_asserts_something(role: str) -> None:
    file = PACKER / "images" / role / "checks.py"
    checks = list(checks_in(file))
    assert checks
    assert [c.name for c in checks if not any(isinstance(node, ast.Assert) for node in ast.walk(c))] == []
    # They run in a folder that holds the declared steps only, and test the machine, not what the step thinks of it.
    assert steps_imported(file) == steps_imported(STEPS / "seal" / "checks.py") == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_deploy_leaves_identity_readiness_and_sealing_to_the_shared_files(role: str) -> None:
    assert not {"identity.record", "ready.when", "seal.seal"} & set(calls_in(f"images/{role}/deploy.py"))


def test_identity_comes_first_and_sealing_last() -> None:
    assert calls_in("before.py") == ["identity.record"]
    assert calls_in("after.py") == ["ready.when", "seal.seal"]


@pytest.mark.parametrize("role", ROLES)
def test_a_release_that_is_installed_has_a_version_and_the_other_way_round(role: str) -> None:
    image = read(role)
    source = (PACKER / "images" / role / "deploy.py").read_text(encoding="utf-8")
    installed = set(re.findall(r"""downloads\[["']([^"']+)["']\]""", source))
    declared = {name for step in STEPS_OF[role] for name in downloads(step)}
    assert installed == declared & set(image.get("versions", {}))
    assert set(re.findall(r"""versions\[["']([^"']+)["']\]""", source)) <= set(image.get("versions", {}))


def test_every_download_is_of_some_image() -> None:
    stated = {name for role in ROLES for name in read(role).get("versions", {})}
    assert {name for step in STEP_NAMES for name in downloads(step)} <= stated


@pytest.mark.parametrize("role", ROLES)
def test_a_compose_project_is_baked_in_and_started_by_the_machine(role: str) -> None:
    image = read(role)
    calls = calls_in(f"images/{role}/deploy.py")
    assert ("compose" in image) == ("docker.project" in calls) == ("docker.pull" in calls)
    if "compose" in image:
        assert f"docker-compose@{image['compose']['project']}.service" in image["boot"]["services"]


@pytest.mark.parametrize("role", ROLES)
def test_its_machines_answer_where_they_serve_something(role: str) -> None:
    image = read(role)
    health = image.get("boot", {}).get("health")
    assert "port" not in image.get("variables", {}), "it stands in [boot] health"
    # A Consul server is ready when the cluster says so.
    elsewhere = image.get("consul", {}).get("mode") == "server"
    assert (health is None) == (elsewhere or not image.get("boot", {}).get("services"))


@pytest.mark.parametrize("role", ROLES)
def test_its_parent_or_base_exists(role: str) -> None:
    image = read(role)
    bases = tomllib.loads((PACKER / "bases.lock").read_text(encoding="utf-8"))
    assert image.get("parent") in ROLES or image.get("base") in bases


def test_no_step_is_unused() -> None:
    used = {step for steps in STEPS_OF.values() for step in steps}
    assert used | FOR_PROJECTS == STEP_NAMES and not used & FOR_PROJECTS


def test_every_packer_variable_has_a_default() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PACKER.glob("*.pkr.hcl"))
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    passed_by_every_build = {"role", "base_image", "tags", "ssh_key", "ssh_private_key_file", "manifest_path"}
    assert passed_by_every_build <= {name for name, _ in blocks}
    assert [name for name, body in blocks if not re.search(r"^  default\s+=", body, re.MULTILINE)] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_is_one_template_with_its_plugin_and_the_source_that_the_build_takes(cloud: str) -> None:
    text = (PACKER / f"{cloud}.pkr.hcl").read_text(encoding="utf-8")
    source, label = re.findall(r'^source "([\w-]+)" "(\w+)" \{$', text, re.MULTILINE)[0]
    assert f'sources = ["source.{source}.{label}"]' in text
    assert "required_plugins" in text
    others = [path for path in PACKER.glob("*.pkr.hcl") if path.name != f"{cloud}.pkr.hcl"]
    assert not [path.name for path in others if f"source.{source}" in path.read_text(encoding="utf-8")]
