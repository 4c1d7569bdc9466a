"""docs/add-a-cloud.md is true: it names every place that knows Docker, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "add-a-cloud.md").read_text(encoding="utf-8")
OWN = set(re.findall(r"^    ((?:bakewell|components|packer)/\S+)$", TEXT, re.MULTILINE))
ENTRIES = set(re.findall(r"^\| `(\S+\.\S+)` \|", TEXT, re.MULTILINE))


def naming(word: str) -> set[str]:
    """Modules in which a text is just this word: they tell clouds apart by it."""
    found = set()
    for folder in ("bakewell", "components"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if any(isinstance(node, ast.Constant) and node.value == word for node in ast.walk(tree)):
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_a_cloud_has_its_verbs_its_template_and_its_component() -> None:
    assert {
        "bakewell/clouds/docker/cloud.py",
        "packer/docker.pkr.hcl",
        "components/pulumi_bakewell/docker/machines.py",
    } <= OWN
    assert [path for path in OWN if not (ROOT / path).is_file()] == []


def test_every_module_that_knows_the_cloud_is_named() -> None:
    assert naming("docker") <= OWN | ENTRIES


def test_no_file_is_named_that_does_not_know_it() -> None:
    for path in ENTRIES:
        assert "docker" in (ROOT / path).read_text(encoding="utf-8"), path


def test_tests_that_are_named_are_there() -> None:
    for path in re.findall(r"`(tests/\S+?)`", TEXT):
        assert (ROOT / path).exists(), path
