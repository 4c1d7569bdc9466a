"""What `make` calls: exit statuses, what goes to which stream, and what is set up and taken away. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from bakewell.errors import BakewellError, ConfigError
from bakewell_local.cli import commands, setup
from bakewell_local.project import stacks
from bakewell_local.sandbox import docker_projects, mirror
from bakewell_local.sandbox.machines import base_image
from bakewell_local.toolchain import engine
from bakewell_local.toolchain.build import Builder, Toolchain
from bakewell_local.toolchain.folders import ROOT


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been taken away, in order, with all that touches the machine replaced."""
    made: list[str] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(engine, "ensure", lambda: False)
    monkeypatch.setattr(engine, "problem", lambda: None)
    monkeypatch.setattr(engine, "started", lambda: engine.Started(pid=1, born=1.0))
    monkeypatch.setattr(engine, "busy", lambda: 0)
    monkeypatch.setattr(engine, "stop", lambda: made.append("engine"))
    monkeypatch.setattr(base_image, "ensure", lambda _progress: "tag")
    monkeypatch.setattr(base_image, "remove", lambda: made.append("base image"))
    monkeypatch.setattr(mirror, "prepare", lambda: ("tag", ""))
    monkeypatch.setattr(mirror, "remove", lambda: made.append("mirror"))
    monkeypatch.setattr(Builder, "ensure", lambda _self, _tools: Toolchain({}))
    monkeypatch.setattr(setup, "servers", list)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(ROOT)
    return commands.run(arguments)


@pytest.mark.parametrize("begun", [False, True], ids=["engine-ran", "engine-begun"])
@pytest.mark.parametrize("words", [[], ["tests/unit", "-x", "-k=word"]])
def test_tests_give_pytests_own_status_and_leave_an_engine_that_ran_before(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, words: list[str], begun: bool
) -> None:
    ran: list[list[str]] = []

    def run_pytest(command: list[str], _environment: object, _folder: Path) -> int:
        ran.append(command)
        return 1

    monkeypatch.setattr(stacks, "run", run_pytest)
    monkeypatch.setattr(engine, "ensure", lambda: begun)
    assert run(monkeypatch, "test", *words) == 1
    given = ran[0][3 + len(commands.WORKERS) + 1 :]
    suites = [name for name in commands.SUITES if name in {Path(word).name for word in given}]
    assert given == words if words else [Path(word).name for word in given] == suites
    assert ("engine" in calls) is begun


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ConfigError("bad size", file="image.toml", remedy="say more"), 2, "error: image.toml: bad size\n  remedy:"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_told_without_a_traceback(
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    told: str,
) -> None:
    monkeypatch.setattr(engine, "ensure", Mock(side_effect=error))
    assert run(monkeypatch, "up") == status
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert run(monkeypatch, "upp") == 2


def test_what_fails_in_the_background_fails_the_set_up(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_image, "ensure", Mock(side_effect=BakewellError("no Debian to be had")))
    with pytest.raises(BakewellError, match="no Debian to be had"):
        setup.install()


@pytest.mark.parametrize(
    ("owner", "name", "answer", "taken"),
    [
        # The mirror's image rests on the machine's.
        (engine, "busy", lambda: 0, ["mirror", "base image", "engine"]),
        (engine, "busy", lambda: 1, ["mirror", "base image"]),
        (engine, "started", lambda: None, ["mirror", "base image"]),
        (setup, "servers", lambda: ["another"], []),
    ],
    ids=["unused", "runs-containers-of-others", "not-ours", "another-cloud-runs"],
)
def test_what_another_uses_stays(
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    answer: Callable[[], object],
    taken: list[str],
) -> None:
    monkeypatch.setattr(owner, name, answer)
    setup.end_engine()
    assert calls == taken


def test_down_works_where_nothing_was_set_up(
    calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "no Docker Engine answers")
    for folder in ("half/pulumi-home", "half/stacks"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("never", "half"):
        assert run(monkeypatch, "down", "--state", str(tmp_path / name)) == 0
        assert not (tmp_path / name).exists()
    assert calls == []
    assert capsys.readouterr().out == ""


def test_what_a_killed_test_run_left_is_found_and_a_live_one_left_alone(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(docker_projects, "connect", Mock)
    monkeypatch.setattr(docker_projects, "remove", lambda _client, project: removed.append(project))
    with setup.own_folder() as mine:
        theirs = mine.with_name("4194305")
        for folder in (mine, theirs):
            (folder / "session" / "cloud").mkdir(parents=True)
            for test in ("one", "other", "one"):
                docker_projects.note(folder, f"t{test}-{folder.name}")
        setup.remove_leftovers()
        assert mine.exists()
        assert not theirs.exists()
    assert removed == ["tone-4194305", "tother-4194305"]
    assert list(mine.parent.iterdir()) == []
