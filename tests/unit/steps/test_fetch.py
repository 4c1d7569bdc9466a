"""The step fetch: which file comes back, and where to."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyinfra.api import DeployError
from pyinfra.api.exceptions import PyinfraError
from steps import fetch

from tests.unit.steps.harness import given


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_looked_for_and_then_brought() -> None:
    [operation] = given(lambda: fetch.file("/root/it's.txt"))
    look, get = operation.commands
    assert look.startswith("""test -f '/root/it'"'"'s.txt' ||""")
    assert get == "get /root/it's.txt"


def test_it_has_its_path_on_the_builder(folder: Path) -> None:
    source = folder / "packages.txt"
    source.write_text("brought")
    given(lambda: fetch.file(str(source)), host="@local")
    assert (folder / "build-fetched" / str(source)[1:]).read_text() == "brought"


def test_a_file_that_is_missing_fails_the_build_with_a_remedy(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PyinfraError):
        given(lambda: fetch.file(f"{folder}/none"), host="@local")
    assert f"{folder}/none is no file on the builder" in caplog.text
    assert f"remedy: fetch {folder}/none after what writes it" in caplog.text


@pytest.mark.parametrize("path", ["", "/", "packages.txt", "/root/../etc/passwd"])
def test_a_path_that_names_no_file_is_refused(path: str) -> None:
    with pytest.raises(DeployError, match="remedy: name a file by its absolute path"):
        given(lambda: fetch.file(path))
