"""The examples share one role, which is the one that `bakewell init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.scaffold import sources
from bakewell_local.project.layout import Project

EXAMPLES = Path(__file__).parents[2] / "examples"
RUNTIMES = {"python": "python", "yaml": "yaml", "typescript": "nodejs", "go": "go"}


@pytest.mark.parametrize("language", RUNTIMES)
def test_an_example_is_a_whole_project_of_its_runtime(language: str) -> None:
    project = Project(EXAMPLES / language, EXAMPLES / language / ".bakewell")
    assert (project.name, project.runtime) == (f"hello-{language}", RUNTIMES[language])
    assert project.settings("dev").project == "hello"
    assert (project.root / "packer").resolve() == EXAMPLES / "packer"


def test_their_role_is_the_one_of_a_new_project() -> None:
    hello = EXAMPLES / "packer" / "images" / "hello"
    files = {str(file.relative_to(hello)): file.read_text() for file in hello.rglob("*.*") if file.suffix != ".pyc"}
    assert files == {name: sources.own(f"hello/{name}") for name in files}
