"""Which provisioning steps a Python file imports, read from its syntax tree; nothing is executed.

A step that is imported but not declared would be missing from the image's context, and the build would fail minutes
later. Imports made at run time (importlib) are not seen.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import ConfigError
from bakewell.reading import read_text

PACKAGE = "steps"


@dataclass(frozen=True, slots=True)
class StepImport:
    """One import of a step.

    Attributes:
        certain: False for `from steps import x`, where x may also be something that steps/__init__.py defines.
    """

    step: str
    line: int
    certain: bool


def imported_steps(path: Path, package: tuple[str, ...] = ()) -> list[StepImport]:
    """The steps that `path` imports, by line.

    Args:
        package: the package the file lies in, such as ("steps", "docker"); relative imports are resolved against it.

    Raises:
        ConfigError: the file is unreadable or no Python.
    """
    text = read_text(path, path.name)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        if isinstance(error, RecursionError | MemoryError):
            said = "an expression in it is nested too deep"
        raise ConfigError(f"{path.name} is no Python: {said}{line}", file=path, remedy="correct the syntax") from None
    found: list[StepImport] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = (*start, *(node.module.split(".") if node.module else ()))
            modules = [(*module, alias.name) for alias in node.names]
        else:
            continue
        plain = isinstance(node, ast.Import)
        found += [StepImport(m[1], node.lineno, plain or len(m) > 2) for m in modules if len(m) > 1 and m[0] == PACKAGE]
    return sorted(found, key=lambda found: (found.line, found.step))


def python_files(root: Path, package: tuple[str, ...]) -> list[tuple[Path, tuple[str, ...]]]:
    """Every .py file of a module or package at `root` (a file, or a folder), each with the package it lies in."""
    if root.is_file():
        return [(root, package)]
    inner = (*package, root.name)
    return [(path, (*inner, *path.relative_to(root).parent.parts)) for path in sorted(root.rglob("*.py"))]
