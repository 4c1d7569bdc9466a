"""Laying a context out in a folder: exactly what was hashed, and nothing of the checkout shows."""

from __future__ import annotations

import errno
import hashlib
import os
import tomllib
from pathlib import Path

import pytest

from bakewell.catalog import Catalog
from bakewell.context import Context
from bakewell.errors import BakewellError, ContextError, HostError
from tests.unit.core.conftest import Tree

WEB = "images/web"


def collect(packer: Path, role: str = "web", max_context_mb: int = 100) -> Context:
    return Context.collect(Catalog.load(packer, max_context_mb=max_context_mb), role, "digitalocean")


def test_staging_normalises_modes_and_times_whatever_the_umask(tree: Tree, tmp_path: Path) -> None:
    packer = tree()
    (packer / "provision.sh").chmod(0o700)
    (packer / WEB / "files" / "index.html").chmod(0o666)
    before = os.umask(0o077)
    try:
        collect(packer).stage(tmp_path / "out")
    finally:
        os.umask(before)
    staged = {path.relative_to(tmp_path / "out").as_posix(): path.stat() for path in (tmp_path / "out").rglob("*")}
    assert oct(staged["provision.sh"].st_mode & 0o777) == oct(0o755)
    assert oct(staged["files/index.html"].st_mode & 0o777) == oct(0o644)
    assert oct(staged["files"].st_mode & 0o777) == oct(0o755)
    assert len({status.st_mtime_ns for status in staged.values()}) == 1


def test_scripts_and_programs_are_executable_whatever_the_checkout_says(tree: Tree, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"run": "#!/bin/sh\n", "program": b"\x7fELF\2", "notes": "x\n", "empty": ""}
    packer = tree({f"{WEB}/files/{name}": content for name, content in files.items()})
    for mode in (0o777, 0o600):
        for name in files:
            (packer / WEB / "files" / name).chmod(mode)
        out = tmp_path / oct(mode)
        collect(packer).stage(out)
        modes = {name: (out / "files" / name).stat().st_mode & 0o777 for name in files}
        assert modes == {"run": 0o755, "program": 0o755, "notes": 0o644, "empty": 0o644}


def test_image_toml_is_staged_as_what_it_says(tree: Tree, tmp_path: Path) -> None:
    toml = (
        '# a note for people\ndescription = "web, for people too"\nparent = "base"\nmemory_gb = 2\n'
        '[versions]\nnginx = "1.22.*"\n[variables]\nport = 80\ntext = "a \\"quoted\\" \\\\ tab\\t é"\n'
        '[rebuild]\nnote = "again"\nwindow = "weekly"\n'
        '[boot]\nservices = ["nginx.service"]\nhealth = { port = 80 }\npeers = ["api"]\n'
        '[build]\ntimeout_minutes = 9\n[consul]\nservice = "shop"\nenvironment = "config/web"\n'
        '[[consul.watches]]\nsource = "/a"\ndestination = "/b"\n'
    )
    packer = tree({f"{WEB}/image.toml": toml})
    collect(packer).stage(tmp_path / "out")
    staged = (tmp_path / "out" / "image.toml").read_text()
    wanted = tomllib.loads(toml)
    for key in ("description", "memory_gb", "build"):
        del wanted[key]
    del wanted["rebuild"]["window"], wanted["boot"]["peers"]
    del wanted["consul"]["environment"], wanted["consul"]["watches"]
    assert tomllib.loads(staged) == wanted
    assert "#" not in staged


def test_what_is_staged_is_what_was_hashed(tree: Tree, tmp_path: Path) -> None:
    context = collect(tree({f"{WEB}/files/large.bin": os.urandom(700_001), f"{WEB}/files/empty": ""}))
    context.stage(tmp_path / "out")
    staged = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {
        path.relative_to(tmp_path / "out").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in staged
    } == {file.path: file.digest for file in context.files}
    assert context.size == sum(path.stat().st_size for path in staged)


def test_a_file_that_changes_between_hashing_and_staging_is_noticed(tree: Tree, tmp_path: Path) -> None:
    packer = tree()
    context = collect(packer)
    (packer / WEB / "files" / "index.html").write_text("<p>hallo\n")
    with pytest.raises(ContextError, match=r"files/index\.html changed while it was staged"):
        context.stage(tmp_path / "out")
    (packer / WEB / "files" / "index.html").unlink()
    with pytest.raises(ContextError, match=r"files/index\.html cannot be read"):
        context.stage(tmp_path / "again")


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (errno.ENOSPC, HostError, "free disk space"),
        (errno.EDQUOT, HostError, "quota"),
        (errno.EROFS, HostError, "for writing"),
        (errno.EIO, HostError, "the system's log"),
        (errno.EACCES, ContextError, "you can write to"),
    ],
)
def test_a_write_that_fails_is_told_from_a_read_that_fails(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[BakewellError], remedy: str
) -> None:
    context, target = collect(tree()), tmp_path / "out"

    def write(descriptor: int, block: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(kind, match=os.strerror(code)) as caught:
        context.stage(target)
    assert caught.value.file == str(target)
    assert remedy in caught.value.remedy


def test_staging_wants_an_empty_folder(tree: Tree, tmp_path: Path) -> None:
    context = collect(tree())
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ContextError, match="not empty"):
        context.stage(tmp_path)
    with pytest.raises(ContextError, match="staging web failed: Not a directory"):
        context.stage(tmp_path / "mine.txt" / "out")


def test_nothing_is_written_into_the_folders_that_are_hashed(tree: Tree, tmp_path: Path) -> None:
    packer = tree()
    before = sorted(packer.rglob("*"))
    collect(packer).stage(tmp_path / "out")
    assert sorted(packer.rglob("*")) == before
