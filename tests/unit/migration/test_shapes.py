"""Templates in the shapes that teams have: what is written is valid, and nothing is dropped in silence."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hcl2.api
import pytest

from bakewell.catalog import Catalog
from bakewell.migration import Import
from bakewell.migration.language.syntax import Attribute, Block, Expression, Listing, Mapping, Text
from bakewell.migration.ledger import Kind, Ledger
from tests.unit.migration.conftest import ROOT, SHAPES, TEMPLATES, deploy, image, said, shape, silent

ROLES = {
    "services": {"services-base": "ubuntu-22.04", "services-api": "services-base"},
    "private-ami": {"agent": "debian-12"},
    "legacy": {"legacy-base": "debian-12", "legacy-app": "legacy-base"},
    "runner": {"runner-x86": "ubuntu-22.04", "runner-arm": "ubuntu-22.04"},
    "two-stage": {"stage1": "debian-12", "stage2": "stage1"},
    "several": {"edge": "debian-12"},
}
SECRETS = (
    "never-to-be-written-7f3a",
    "hunter2",
    "plain-in-the-template",
    '0123456789abcdef"',
    "written-in-the-template",
)


PATHS = ("script", "scripts", "source", "sources", "playbook_file", "galaxy_file")


def texts() -> Iterator[Path]:
    for path in sorted(TEMPLATES.rglob("*")):
        if path.name.endswith(".pkr.hcl"):
            yield path


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_is_valid(name: str, validated: Callable[[Import, Sequence[str]], Catalog]) -> None:
    arm = name in ("runner", "two-stage")  # which AWS alone has machines for
    catalog = validated(shape(name), ["aws"] if arm else ["digitalocean", "aws", "docker"])
    assert {spec.role: spec.parent or spec.base for spec in catalog} == ROLES[name]


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_dropped_in_silence(name: str) -> None:
    found = shape(name)
    for document in found.documents:
        assert silent(document.root, found.ledger) == []


def test_an_account_without_entries_is_seen() -> None:
    document = shape("services").documents[0]
    missing = silent(document.root, Ledger())
    assert len(missing) == len(list(document.root.walk()))


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.name)
def test_each_line_of_the_parsers_own_tree_is_accounted_for(path: Path) -> None:
    """An oracle that shares no code with the importer but the parser of HCL2."""
    name = path.parent.name
    found = shape(name)
    shown = next(d.root.at.file for d in found.documents if d.root.at.file.rpartition("/")[2] == path.name)
    findings = [finding for finding in found.ledger if finding.at.file == shown]
    tree = hcl2.api.parses_to_tree(path.read_text())
    for node in (*tree.find_data("attribute"), *tree.find_data("block")):
        line = node.meta.line
        assert any(
            f.at.line == line or (f.kind is not Kind.translated and f.at.line <= line <= f.at.end) for f in findings
        ), f"{path.name}:{line}"


@pytest.mark.parametrize("path", sorted((TEMPLATES / "legacy").glob("*.json")), ids=lambda path: path.name)
def test_each_key_of_json_is_read(path: Path) -> None:
    document = next(d for d in shape("legacy").documents if d.root.at.file == path.name)
    names = {node.name for node in document.root.walk() if isinstance(node, Attribute)}
    names |= {word for node in document.root.walk() if isinstance(node, Block) for word in (node.kind, *node.labels)}

    def keys(value: Any) -> Iterator[str]:
        for key, below in value.items() if isinstance(value, dict) else ():
            yield key
            if key not in ("filters", "override"):
                yield from keys(below)
        for below in value if isinstance(value, list) else ():
            yield from keys(below)

    known = {"variables", "builders", "provisioners", "post-processors", "type"}
    assert set(keys(json.loads(path.read_text()))) - names - known == set()


def words(expression: Expression) -> Iterator[str]:
    """What an expression says literally."""
    if isinstance(expression, Text):
        yield from (word for part in expression.parts if isinstance(part, str) for word in part.split())
    elif isinstance(expression, Listing):
        for item in expression.items:
            yield from words(item)
    elif isinstance(expression, Mapping):
        for key, item in expression.items:
            yield from (key, *words(item))


@pytest.mark.parametrize("name", SHAPES)
def test_what_counts_as_translated_stands_in_the_files(name: str) -> None:
    """Of provisioners: each word of an attribute that is translated as a whole is in some file."""
    found = shape(name)
    written = "".join(content.decode() for content in found.files.values()) + " ".join(found.files)
    written = ast_texts(found) + written
    checked = 0
    for document in found.documents:
        for block in (b for build in document.root.all("build") for b in build.all("provisioner")):
            for attribute in block.attributes:
                if found.ledger.kinds(attribute) != {Kind.translated} or attribute.name == "direction":
                    continue
                for word in words(attribute.value):
                    word = word.rstrip("/").rpartition("/")[2] if attribute.name in PATHS else word
                    parts = re.split(r"[/=,'\"]+", word)
                    assert all(part in written for part in parts if not part.startswith("-")), (str(attribute.at), word)
                    checked += 1
    assert checked


def ast_texts(found: Import) -> str:
    """The texts in each deploy.py, without Python's escapes."""
    trees = [ast.parse(content) for path, content in found.files.items() if path.endswith("/deploy.py")]
    return "\n".join(
        str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value
    )


@pytest.mark.parametrize("name", SHAPES)
def test_no_secret_is_written_or_said(name: str) -> None:
    found = shape(name)
    everything = "\n".join(content.decode() for content in found.files.values())
    everything += "\n".join("\n".join([*f.lines(), f.source]) for f in found.ledger)
    assert not [secret for secret in SECRETS if secret in everything]


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_left_to_do_stands_at_its_place_too(name: str) -> None:
    """Every finding of a provisioner or a source is a comment in some file, with its file and line."""
    found = shape(name)
    written = "\n".join(content.decode() for content in found.files.values())
    elsewhere = ("is not in packer/bases.lock", "the default of", "data ", "validation", "source ", "no source of this")
    for finding in found.ledger.of(Kind.todo):
        told = finding.what.startswith(elsewhere) or finding.what.endswith(elsewhere)
        if not told and "no source of this build" not in finding.remedy:
            assert f"TODO {finding.lines()[0]}" in written, finding


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_templates_give_the_same_files(name: str) -> None:
    assert dict(shape(name).files) == dict(shape(name).files)


def test_services_with_docker_and_consul() -> None:
    found = shape("services")
    base = tomllib.loads(image(found, "services-base"))
    assert (base["base"], base["memory_gb"]) == ("ubuntu-22.04", 2)
    assert base["versions"] == {"consul": "1.17.1"}
    assert base["variables"] == {"registry": "registry.example.org", "swap_gb": 2}
    assert 'REGISTRY_TOKEN = "Pulls the private images"' in image(found, "services-base")
    code = deploy(found, "services-base")
    calls = [ast.unparse(node.value) for node in ast.parse(code).body if isinstance(node, ast.Expr)]
    calls = [call for call in calls[1:] if not call.startswith(("identity.", "seal."))]
    assert [call.partition("(")[0] for call in calls] == [
        "script.inline",
        "script.run",
        "script.run",
        "script.inline",
        "files.sync",
        "files.put",
        "files.put",
        "fetch.file",
    ]
    assert "secrets=['REGISTRY_TOKEN']" in calls[1] and "registry_token" not in code
    assert "base.pkr.hcl:30: inline: join" in said(found) and "where var.extra_packages" in code


def test_an_ami_by_ansible_in_a_private_subnet() -> None:
    found = shape("private-ami")
    code = deploy(found, "agent")
    assert 'ansible.play(\n    "ansible/agent.yml",' in code and 'groups=["agents"]' in code
    assert 'extra_vars={"agent_version": versions["agent"], "environment": variables["environment"]}' in code
    assert {path.partition("agent/")[2] for path in found.files if "/ansible/" in path} == {
        "ansible/agent.yml",
        "ansible/versions.yml",
        "ansible/group_vars/all.yml",
        "ansible/roles/agent/tasks/main.yml",
    }
    assert "--vault-password-file vault.sh" in said(found) and 'vault_password="ANSIBLE_VAULT_PASSWORD"' in code
    text = image(found, "agent")
    assert text.startswith('description = "Build agent"\nbase = "debian-12"\n')
    assert '# environment = ""  # TODO' in text
    for part in ("subnet_filter", "iam_instance_profile", "ssh_interface", 'dynamic "launch_block_device_mappings"'):
        assert part in text


def test_a_pair_in_json() -> None:
    found = shape("legacy")
    assert tomllib.loads(image(found, "legacy-app"))["variables"] == {"app_port": "80"}
    assert 'secrets=["DB_PASSWORD"]' in deploy(found, "legacy-app")
    code = deploy(found, "legacy-base")
    assert 'script.run("files/setup.sh", env={"NODE_EXPORTER_VERSION": versions["node-exporter"]})' in code
    assert "docker ps --format '{{.Names}}'" in code and 'provisioner "chef-solo"' in said(found)
    assert "unheard_of" in said(found, Kind.settled)


def test_variants_of_one_build_are_roles() -> None:
    found = shape("runner")
    assert "x86 only" in deploy(found, "runner-x86") and "x86 only" not in deploy(found, "runner-arm")
    assert 'arch = "arm64"' in image(found, "runner-arm") and "arch" not in image(found, "runner-x86")
    assert '"HTTP_PORT": "8080", "METRICS_PORT": "9100"' in deploy(found, "runner-arm")


def test_sources_of_two_clouds_are_one_role() -> None:
    found = shape("several")
    code = deploy(found, "edge")
    assert '"cat <<\'END\'",\n        f"{variables[\'name\']} $HOME",\n        "END",' in code
    assert "echo of" not in code and "f\"echo {variables['motd']} > /etc/motd\"" in code
    assert 'dest="/root/edge.sh", mode="755"' in code
    for part in ('source "virtualbox-iso"', 'source "amazon-ebs" "windows"', '"docker-push"', "/etc/hostname"):
        assert part in said(found)


def test_the_guide_shows_what_is_written() -> None:
    """docs/from-packer.md: each result is in a deploy.py, each key that it names in an image.toml."""
    guide = (ROOT / "docs/from-packer.md").read_text()
    roles = {role.name: found for name in SHAPES for found in [shape(name)] for role in found.roles}
    shown = re.findall(r"<!-- ([\w-]+) -->\n```python\n(.*?)```", guide, re.DOTALL)
    assert [role for role, _ in shown] == ["services-base", "agent", "legacy-app"]
    for role, code in shown:
        written = [ast.dump(node) for node in ast.parse(deploy(roles[role], role)).body]
        assert all(ast.dump(node) in written for node in ast.parse(code).body), role
    assert 'parent = "legacy-base"' in image(roles["legacy-app"], "legacy-app")
    assert "disk_gb = 30" in image(roles["agent"], "agent")
