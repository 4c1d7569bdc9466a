"""No two modules import each other, also not by way of others, in functions or for type checkers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules(package: Path) -> dict[str, Path]:
    """The modules of a package by their full names."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> Iterator[str]:
    """Every name that the module imports, wherever it does: a module's, or one of a module's members."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def circle(known: Mapping[str, Path]) -> list[str]:
    """Modules that import each other in a circle; empty where there is none."""
    graph = {
        name: {module for full in imported(name, path) for module in (full, full.rpartition(".")[0]) if module in known}
        - {name}
        for name, path in known.items()
    }
    # `from package import module` needs the package's __init__ only for names that are no module of its own.
    for name, path in known.items():
        members = {full for full in imported(name, path) if full in known}
        others = {full.rpartition(".")[0] for full in imported(name, path) if full not in known}
        graph[name] -= {member.rpartition(".")[0] for member in members} - others
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", ["bakewell", "components/pulumi_bakewell", "bakewell_local"])
def test_no_modules_import_each_other(package: str) -> None:
    found = modules(ROOT / package)
    assert len(found) > 30
    assert circle(found) == []


@pytest.mark.parametrize(
    "line",
    ["import p.a", "from p import a", "from p.a import x", "from .a import x", "def f():\n    from . import a"],
)
def test_a_circle_is_found_however_it_is_hidden(tmp_path: Path, line: str) -> None:
    package = tmp_path / "p"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.b import y\n")
    (package / "b.py").write_text("x = 1\n")
    assert circle(modules(package)) == []
    (package / "b.py").write_text(f"{line}\n")
    assert {"p.a", "p.b"} == set(circle(modules(package)))
