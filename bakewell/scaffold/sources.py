"""Where the text of new files comes from: this package, and files that Bakewell's own repository uses itself."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

_PACKAGE = resources.files(__package__)
REPOSITORY = (
    "__main__.py",
    "packer/bases.lock",
    ".github/preview_comment.py",
    *(f".github/workflows/{name}.yml" for name in ("clean", "preview", "rebuild", "up")),
)
"""Files of the repository that projects get too. A wheel has them below scaffold/repository (pyproject.toml)."""


def own(path: str) -> str:
    """The text of a file below scaffold/files."""
    return _PACKAGE.joinpath("files", path).read_text(encoding="utf-8")


def repository(path: str) -> str:
    """The text of one of REPOSITORY."""
    bundled = _PACKAGE.joinpath("repository", path)
    if bundled.is_file():
        return bundled.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / path).read_text(encoding="utf-8")  # an editable install
