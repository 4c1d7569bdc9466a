"""The same commit gives the same fingerprint, however git has checked it out; real git, small repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bakewell.errors import ContextError
from tests.unit.core.conftest import Tree
from tests.unit.core.context.test_fingerprint import values

SCRIPT = "images/web/files/run.sh"


def git(folder: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@x", "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@x"}
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
    words = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *words)
    subprocess.run(["git", *words], cwd=folder, env=environ, check=True, capture_output=True)


@pytest.fixture
def repository(tree: Tree, tmp_path: Path) -> Path:
    """A repository with a packer/, everything committed; a script is executable."""
    root = tmp_path / "repository"
    shutil.copytree(tree({SCRIPT: "#!/bin/sh\necho\n", "images/web/files/data.txt": "a\nb\n"}), root / "packer")
    (root / "packer" / SCRIPT).chmod(0o755)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "all")
    return root


def test_in_a_worktree(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "other"), "HEAD")
    assert (tmp_path / "other" / ".git").is_file()
    assert values(tmp_path / "other" / "packer") == values(repository / "packer")


def test_in_a_submodule_even_where_it_is_a_roles_folder(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "add", "-q", str(repository), "inner")
    assert (outer / "inner" / ".git").is_file()
    assert values(outer / "inner" / "packer") == values(repository / "packer")
    (repository / "packer/images/web/.git").write_text("gitdir: ../../../.git/modules/web\n")
    assert values(outer / "inner" / "packer") == values(repository / "packer")


def test_without_file_modes(repository: Path, tmp_path: Path) -> None:
    before = values(repository / "packer")
    git(tmp_path, "clone", "-q", "-c", "core.fileMode=false", str(repository), "clone")
    for path in (tmp_path / "clone" / "packer").rglob("*"):
        if path.is_file():
            path.chmod(0o777 if path.suffix == ".txt" else 0o644)
    assert values(tmp_path / "clone" / "packer") == before


def test_with_line_ends_of_windows_it_is_refused_with_a_remedy_that_works(repository: Path, tmp_path: Path) -> None:
    before = values(repository / "packer")
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(repository), "clone")
    assert b"\r\n" in (tmp_path / "clone/packer/images/web/files/data.txt").read_bytes()
    with pytest.raises(ContextError, match="CR LF") as caught:
        values(tmp_path / "clone" / "packer")
    assert "`packer/** -text` to .gitattributes" in caught.value.remedy
    clone = tmp_path / "clone"
    (clone / ".gitattributes").write_text("packer/** -text\n")
    git(clone, "add", ".gitattributes")
    git(clone, "commit", "-qm", "attributes")
    git(clone, "rm", "-r", "-q", "--cached", "packer")
    git(clone, "checkout", "-q", "HEAD", "--", "packer")
    assert values(clone / "packer") == before


def test_a_file_that_is_meant_to_have_them_may(tree: Tree) -> None:
    files = {"images/web/files/start.bat": "echo\r\n"}
    assert values(tree(files)) != values(tree())
