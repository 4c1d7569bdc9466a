"""Packer folders that differ from one test to the next in what it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import pytest
from hypothesis import settings

from bakewell.catalog import Catalog
from bakewell.errors import ConfigError
from tests.small_project import FILES, write

settings.register_profile("core", max_examples=25, deadline=None)
settings.load_profile("core")

Tree = Callable[..., Path]


@contextmanager
def unreadable(folder: Path) -> Iterator[None]:
    """Nobody may look into `folder` meanwhile: not this process either, should it be root's."""
    root = os.geteuid() == 0
    open_to_all = folder.parents[: len(folder.parts) - len(Path(gettempdir()).parts)]
    for parent in open_to_all if root else ():
        parent.chmod(0o755)
    mode = folder.stat().st_mode
    folder.chmod(0o000)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(mode)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Make a packer/ folder: that of the small project, each file replaced, added or (None) left out as told."""

    def make(changes: Mapping[str, str | bytes | None] | None = None) -> Path:
        return write(tmp_path_factory.mktemp("tree") / "packer", {**FILES, **(changes or {})})

    return make


def refused(packer: Path, file: str) -> ConfigError:
    """The error that loading gives; it names `file` (below packer/) and a remedy."""
    with pytest.raises(ConfigError) as caught:
        Catalog.load(packer)
    assert caught.value.file == str(packer / file)
    assert caught.value.remedy
    return caught.value
