"""What a Python file imports, read from its syntax tree; nothing is executed.

Seen are import statements, and calls with a literal: `importlib.import_module("…")`, `__import__("…")` and PyInfra's
`local.include("…")`. What a name is computed for is not seen: the build itself refuses it (packer/host_process.py).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import ConfigError
from bakewell.reading import read_text

PACKAGE = "steps"


@dataclass(frozen=True, slots=True)
class Import:
    """One import.

    Attributes:
        module: the parts of its absolute name.
        line: where it stands.
        certain: False where the last part may be something that the module before it defines (`from steps import x`).
    """

    module: tuple[str, ...]
    line: int
    certain: bool

    def __str__(self) -> str:
        return ".".join(self.module)


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file, as far as it matters to what a build holds.

    Attributes:
        imports: by line.
        includes: files that PyInfra runs as a part of this one: (path as it is written, line).
        seals: the line that calls the step `seal`; None where no line does.
    """

    imports: tuple[Import, ...]
    includes: tuple[tuple[str, int], ...]
    seals: int | None


def read_source(path: Path, package: tuple[str, ...] = ()) -> Source:
    """Read a Python file.

    Args:
        package: the package the file lies in, such as ("steps", "docker"); relative imports are resolved against it.

    Raises:
        ConfigError: the file is unreadable or no Python.
    """
    tree = _tree(path)
    nodes = list(_nodes(tree))
    imports = [found for node in nodes for found in _imports(node, package)]
    includes = [
        (text, node.lineno)
        for node in nodes
        if isinstance(node, ast.Call) and (text := _argument(node, "local.include"))
    ]
    ordered = sorted(imports, key=lambda found: (found.line, found.module))
    return Source(tuple(ordered), tuple(includes), _seals(nodes))


def _tree(path: Path) -> ast.Module:
    text = read_text(path, path.name)
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        if isinstance(error, RecursionError | MemoryError):
            said = "an expression in it is nested too deep"
        raise ConfigError(f"{path.name} is no Python: {said}{line}", file=path, remedy="correct the syntax") from None


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node, without what only type checkers see."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def _imports(node: ast.AST, package: tuple[str, ...]) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(tuple(alias.name.split(".")), node.lineno, True)
    elif isinstance(node, ast.ImportFrom):
        if node.level > len(package):
            return  # It fails when it is run, and says so.
        start = package[: len(package) - node.level + 1] if node.level else ()
        module = (*start, *(node.module.split(".") if node.module else ()))
        for alias in node.names:
            yield Import((*module, alias.name), node.lineno, False)
    elif isinstance(node, ast.Call):
        name = _argument(node, "importlib.import_module", "import_module", "__import__")
        if name and not name.startswith("."):
            yield Import(tuple(name.split(".")), node.lineno, True)


def _argument(call: ast.Call, *functions: str) -> str:
    """The text that one of `functions` is called with; "" for another call."""
    if not call.args or not isinstance(call.func, ast.Name | ast.Attribute):
        return ""
    first = call.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return ""
    return first.value if ast.unparse(call.func) in functions else ""


def _seals(nodes: list[ast.AST]) -> int | None:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {f"{alias.asname or alias.name}.seal" for alias in node.names if alias.name == f"{PACKAGE}.seal"}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module == PACKAGE:
            names |= {f"{alias.asname or alias.name}.seal" for alias in node.names if alias.name == "seal"}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module == f"{PACKAGE}.seal":
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "seal"}
    calls = (n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name | ast.Attribute))
    return min((call.lineno for call in calls if names and ast.unparse(call.func) in names), default=None)
