"""`bakewell eject`, and what `bakewell validate` says of shared files that a project has for itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.small_project import write
from tests.unit.cli.conftest import Bakewell

SHARED: dict[str, str | bytes | None] = {
    "README.md": "notes\n",
    "provision.py": "print('shared')\n",
    "steps/__init__.py": "",
    "steps/apt.py": "def install() -> None: ...\n",
    "steps/nginx/__init__.py": "from . import files\n",
    "steps/nginx/files/site.conf": "server {}\n",
}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bakewell: Bakewell) -> Path:
    folder = write(tmp_path / "package", SHARED)
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", folder)
    return folder


@pytest.fixture
def packer(bakewell: Bakewell) -> Path:
    return bakewell.site.root / "packer"


def test_files_and_whole_steps_are_copied_and_recorded(bakewell: Bakewell, shared: Path, packer: Path) -> None:
    done = bakewell("eject", "packer/provision.py", "steps/apt.py", "steps/nginx/", "--json")
    assert done.code == 0, done.err
    files = ["provision.py", "steps/apt.py", "steps/nginx/__init__.py", "steps/nginx/files/site.conf"]
    assert done.json == files
    assert [(packer / file).read_bytes() for file in files] == [(shared / file).read_bytes() for file in files]
    assert "packer/steps/nginx: copied; files: 2" in done.err
    lock = (packer / "ejected.lock").read_text()
    assert [line.split('"')[1] for line in lock.splitlines()[1:]] == ["provision.py", "steps/apt", "steps/nginx"]


@pytest.mark.parametrize(
    ("name", "said", "remedy"),
    [
        (
            "provison.py",
            "no shared file `provison.py` (did you mean `provision.py`?)",
            "name one of: provision.py, steps/",
        ),
        ("nginx", "no shared file `nginx` (did you mean `steps/nginx`?)", "name one of"),
        ("ngnix.py", "no shared file `ngnix.py` (did you mean `steps/nginx`?)", "name one of"),
        ("steps/ngnix", "no shared file `steps/ngnix` (did you mean `steps/nginx`?)", "name one of"),
        ("provision", "no shared file `provision` (did you mean `provision.py`?)", "name one of"),
        ("steps/", "steps is the folder of all steps", "name one of: steps/__init__.py, steps/apt, steps/nginx\n"),
        ("README.md", "no shared file `README.md`", "name one of"),
        ("../provision.py", "no shared file", "name one of"),
        ("steps/nginx/files/site.conf", "a part of a step", "bakewell eject steps/nginx"),
    ],
)
def test_what_is_no_shared_file_is_refused_and_nothing_is_written(
    bakewell: Bakewell, shared: Path, packer: Path, name: str, said: str, remedy: str
) -> None:
    done = bakewell("eject", "provision.py", name)
    assert done.code == 2 and said in done.err and remedy in done.err, done.err
    assert not (packer / "provision.py").exists() and not (packer / "ejected.lock").exists()


def test_a_file_that_differs_is_shown_and_left(bakewell: Bakewell, shared: Path, packer: Path) -> None:
    write(packer, {"provision.py": "print('own')\n"})
    done = bakewell("eject", "steps/nginx", "provision.py")
    assert done.code == 2 and "-print('shared')\n+print('own')" in done.err, done.err
    assert "not overwritten" in done.err and "bakewell eject --keep" in done.err
    assert (packer / "provision.py").read_text() == "print('own')\n" and not (packer / "steps/nginx").exists()


def test_the_repository_itself_has_nothing_to_eject(
    bakewell: Bakewell, packer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", packer)
    done = bakewell("eject", "provision.py")
    assert done.code == 2 and "has the shared files themselves" in done.err and "edit them" in done.err


def test_validate_says_what_is_overridden_and_what_has_changed_since(
    bakewell: Bakewell, shared: Path, packer: Path
) -> None:
    def said() -> list[str]:
        lines = bakewell("validate", "base").err.splitlines()
        return [line for line in lines if line.startswith(("packer/", "  remedy"))]

    assert said() == ["packer/steps/__init__.py is the same as the package's: remove it, and it follows the package"]
    (packer / "steps" / "__init__.py").unlink()
    write(packer, {"steps/apt.py": "own = 1\n"})
    assert bakewell("eject", "provision.py", "steps/nginx").code == 0
    for path in ("provision.py", "steps/nginx/__init__.py"):
        write(packer, {path: "own = 1\n"})
    place = "takes the place of the package's"
    names = ("provision.py", "steps/apt", "steps/nginx")
    assert said() == [f"packer/{name} {place}" for name in names]

    write(shared, {"steps/nginx/files/site.conf": "server { }\n"})
    changed, remedy = said()[-2:]
    assert changed == f"packer/steps/nginx {place}, which has changed since it was copied"
    assert "bakewell eject steps/nginx" in remedy
    assert bakewell("eject", "--keep", "steps/nginx").code == 0 and said() == [
        f"packer/{name} {place}" for name in names
    ]

    (shared / "provision.py").unlink()
    gone, remedy, *_ = said()
    assert gone == "packer/provision.py was copied from the package, which has it no more"
    assert "remove it" in remedy and bakewell("eject", "--keep", "provision.py").code == 0
    assert said() == [f"packer/{name} {place}" for name in names[1:]]


def test_keep_wants_a_file_to_keep(bakewell: Bakewell, shared: Path, packer: Path) -> None:
    done = bakewell("eject", "--keep", "provision.py")
    assert done.code == 2 and "no provision.py of its own" in done.err and "bakewell eject provision.py" in done.err


@pytest.mark.parametrize("failing", ["open", "replace"])
def test_several_files_are_copied_all_or_none(
    bakewell: Bakewell, shared: Path, packer: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = sorted(packer.rglob("*"))
    if failing == "replace":  # the record, after the files

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
    else:
        write(packer, {"steps/nginx": "in the way\n"})
        before = sorted(packer.rglob("*"))
    done = bakewell("eject", "provision.py", "steps/nginx")
    assert done.code != 0 and "cannot be" in done.err and "remedy: " in done.err, done.err
    assert sorted(packer.rglob("*")) == before


def test_a_copied_file_that_the_package_has_no_more(bakewell: Bakewell, shared: Path, packer: Path) -> None:
    assert bakewell("eject", "provision.py", "steps/apt").code == 0
    (shared / "provision.py").unlink()
    done = bakewell("eject", "provision.py")
    assert done.code == 2 and "was copied from the package, which has it no more" in done.err, done.err
    assert "bakewell eject --keep provision.py" in done.err and "remove it" in done.err
    (packer / "provision.py").unlink()
    done = bakewell("eject", "provision.py")
    assert done.code == 2 and "remedy: drop its record: bakewell eject --keep provision.py" in done.err, done.err
    done = bakewell("eject", "--keep", "provision.py")
    assert done.code == 0 and "no longer recorded" in done.err, done.err
    assert "provision" not in (packer / "ejected.lock").read_text()


@pytest.mark.parametrize(
    ("arguments", "unreadable"),
    [
        (("roles",), "images"),
        (("validate", "base"), "provision.py"),
        (("eject", "provision.py"), "provision.py"),
        (("eject", "provision.py"), "ejected.lock"),
    ],
)
def test_a_folder_that_may_not_be_read_is_told_as_that(
    bakewell: Bakewell,
    shared: Path,
    packer: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    unreadable: str,
) -> None:
    stat, scandir = os.stat, os.scandir

    def refused(path: Any, call: Any, *args: Any, **options: Any) -> Any:  # chmod does not stop root
        if not isinstance(path, int) and str(path) == f"{packer}/{unreadable}":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return call(path, *args, **options)

    if unreadable != "images":
        monkeypatch.setattr(os, "stat", lambda path, *args, **options: refused(path, stat, *args, **options))
    monkeypatch.setattr(os, "scandir", lambda path=".", *args: refused(path, scandir, *args))
    done = bakewell(*arguments)
    assert done.code == 2 and "cannot be read: Permission denied" in done.err, done.err
    assert "remedy: make it, and the folders that it lies in, readable" in done.err and "create" not in done.err


def test_a_broken_record_is_refused(bakewell: Bakewell, shared: Path, packer: Path) -> None:
    write(packer, {"ejected.lock": '"provision.py" = 1\n'})
    done = bakewell("validate", "base")
    assert done.code == 2 and "`provision.py` should be a SHA-256" in done.err and "ejected.lock" in done.err


def test_stage_names_the_layer_of_each_file(bakewell: Bakewell, shared: Path, tmp_path: Path) -> None:
    done = bakewell("stage", "web", str(tmp_path / "out"))
    rows = [line.split() for line in done.out.splitlines()]
    assert ["shared", "provision.py"] in rows and ["project", "build.pkr.hcl"] in rows and ["role", "deploy.py"] in rows
