"""No file of the components imports itself through others, not inside functions either. For types alone it may."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each module that running this would import, and what from it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            yield from ((str(node.module), name.name) for name in node.names)
        if isinstance(node, ast.Import):
            yield from ((name.name, "") for name in node.names)
        yield from imports(node)


def graph(folder: Path, package: str) -> Mapping[str, set[str]]:
    """Each module of a package, and those of it that it imports."""
    files = {path.relative_to(folder).with_suffix(""): path for path in (folder / package).rglob("*.py")}
    modules = {".".join(name.parts).removesuffix(".__init__"): path for name, path in files.items()}
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        wanted = imports(ast.parse(path.read_text()))
        found[name] = {f"{module}.{of}" if f"{module}.{of}" in modules else module for module, of in wanted} - {name}
    return found


def test_imports_make_no_circle() -> None:
    try:
        TopologicalSorter(graph(ROOT / "components", "pulumi_bakewell")).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_is_seen(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("def f():\n    from p import b\n")
    (tmp_path / "p" / "b.py").write_text("from p.a import f\n")
    with pytest.raises(CycleError):
        TopologicalSorter(graph(tmp_path, "p")).prepare()
