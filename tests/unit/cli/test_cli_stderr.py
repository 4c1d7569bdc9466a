"""What cannot be said to people decides nothing: a command ends as it would have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.unit.cli.conftest import Bakewell

BROKEN = ["full", "closed", "terminal", "reader"]
ENGINE = "127.0.0.1:40001"


@pytest.fixture(autouse=True)
def engine(bakewell: Bakewell) -> None:
    file = bakewell.site.state / "engines" / ENGINE.replace(":", "-")
    file.parent.mkdir(parents=True)
    file.write_text("dev")


@contextmanager
def broken(kind: str) -> Iterator[IO[bytes] | None]:
    """A stderr that nothing can be written to; None where it is to be closed."""
    if kind == "closed":
        yield None
    elif kind == "full":
        with Path("/dev/full").open("wb") as full:
            yield full
    else:  # whoever reads has gone
        reads, writes = os.openpty() if kind == "terminal" else os.pipe()
        os.close(reads)
        with os.fdopen(writes, "wb", buffering=0) as gone:
            yield gone


def ended(kind: str, *arguments: str) -> tuple[int, str]:
    """Exit status and stdout of a command with such a stderr."""
    with broken(kind) as stderr:
        # By a plugin of the engine that `engine` announces a stack to, as Pulumi would run it.
        plugin = '"$@" 2>&-; exit "$?"' if stderr is None else '"$@"; exit "$?"'
        command = ["sh", "-c", plugin, ENGINE, sys.executable, "-m", "bakewell", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False, start_new_session=True)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_build_gives_its_json_whatever_became_of_stderr(bakewell: Bakewell, kind: str) -> None:
    status, out = ended(kind, "build", "base", "--json")
    assert status == 0
    (result,) = json.loads(out)
    assert result["action"] == "built"
    image = bakewell.site.cloud.images.get(result["id"])
    assert image is not None and image.ready
    assert bakewell.site.runs() == []


@pytest.mark.parametrize("kind", ["full", "closed"])
def test_a_build_for_pulumi_prints_its_line_and_nothing_else(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    shared = Path(__file__).parents[3] / "packer"  # as a process of its own has it
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", shared)
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", bakewell.site.job("base").fingerprint.value)
    status, out = ended(kind, "build", "base")
    assert status == 0 and out.count("\n") == 1 and json.loads(out)["action"] == "built"


@pytest.mark.parametrize(
    ("kind", "status", "line"),
    [
        ("full", 0, "clean"),
        ("closed", 0, "clean --from-pulumi"),
        ("full", 0, "list"),
        ("closed", 0, "lock debian-12"),
        ("full", 2, "build nothing-of-the-kind"),
        ("closed", 2, "build --nonsense"),
        ("full", 4, "copy base sfo3"),
    ],
)
def test_the_exit_status_is_the_commands_own(bakewell: Bakewell, kind: str, status: int, line: str) -> None:
    found, out = ended(kind, *line.split())
    assert found == status
    assert "error" not in out.lower(), "what belongs to stderr is not on stdout"
