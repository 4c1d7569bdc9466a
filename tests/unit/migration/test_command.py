"""`bakewell import templates` as it is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bakewell.cli import run
from tests.unit.migration.conftest import TEMPLATES
from tests.unit.scaffold.test_init import Call, call, contents

__all__ = ["call"]


@pytest.fixture
def project(call: Call, tmp_path: Path) -> Path:
    assert call("init", "shop")[0] == 0
    shutil.copytree(TEMPLATES / "several", tmp_path / "old")
    return tmp_path / "shop"


def test_it_writes_and_lists(call: Call, project: Path) -> None:
    code, out, err = call("import", "templates", "../old", at=project)
    assert code == 0 and "new  packer/images/edge/image.toml" in err
    assert "next: look for TODO in packer/images/edge, then run: bakewell validate edge" in err
    todo, settled = out.split("Not taken over, because nothing has to be done, ")
    assert todo.startswith("Left to do, ") and "several.pkr.hcl:20: something_new = [1, 2.5, true, null]\n  " in todo
    assert "several.pkr.hcl:16: region" in settled and "Translated: " in settled
    assert (project / "packer/images/edge/files/a.sh").read_bytes() == (TEMPLATES / "several/scripts/a.sh").read_bytes()
    before = contents(project)
    code, _, err = call("import", "templates", "../old", at=project)
    assert code == 0 and "unchanged  packer/images/edge/deploy.py" in err and contents(project) == before


def test_a_dry_run_shows_and_writes_nothing(call: Call, project: Path) -> None:
    before = contents(project)
    code, out, err = call("import", "templates", "../old", "--dry-run", at=project)
    assert code == 0 and contents(project) == before
    assert "== packer/images/edge/deploy.py\n" in out and "would be new  packer/images/edge/files/a.sh" in err


def test_nothing_is_written_over_anything(call: Call, project: Path) -> None:
    role = project / "packer/images/edge"
    role.mkdir()
    (role / "deploy.py").write_text("mine\n")
    before = contents(project)
    code, out, err = call("import", "templates", "../old", at=project)
    assert code == 1 and contents(project) == before
    assert "-mine\n" in out and "nothing was written: packer/images/edge/deploy.py" in err


def test_files_are_read_from_the_folder_that_is_named(call: Call, project: Path) -> None:
    (project.parent / "outside.sh").write_text("echo outside\n")
    code, out, _ = call("import", "templates", "../old", "--dry-run", at=project)
    assert code == 0 and "../outside.sh is not copied" in out
    code, out, _ = call("import", "templates", "../old", "--dry-run", "--files", "..", at=project)
    assert code == 0 and "== packer/images/edge/files/outside.sh" in out
    assert call("import", "templates", "../old", "--files", "none", at=project)[0] == 2


def test_templates_of_hypervisors_alone_make_no_role(call: Call, project: Path) -> None:
    (project / "vm.json").write_text('{"builders": [{"type": "qemu"}], "provisioners": []}')
    code, out, err = call("import", "templates", "vm.json", at=project)
    assert code == 0 and 'vm.json:1: source "qemu" "qemu"' in out and "no image of these templates" in err


def test_without_a_project_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["import", "templates", "x.json"]) == 2
