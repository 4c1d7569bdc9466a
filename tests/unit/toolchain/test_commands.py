"""What `make` calls: exit statuses, what goes to which stream, and what is set up and taken away. Nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from bakewell.errors import BakewellError, ConfigError
from sandbox import __main__ as commands
from sandbox import docker_projects, mirror, setup, stacks
from sandbox.machines import base_image
from toolchain import engine
from toolchain.build import Builder, Toolchain
from toolchain.tools import NEEDED, SERVED, Tool


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that touches the machine replaced: what would have been done, in order."""
    made: list[str] = []

    def fake(name: str, answer: object = None) -> Callable[..., object]:
        def call(*_args: object, **_options: object) -> object:
            made.append(name)
            return answer

        return call

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    for module, name, answer in (
        (engine, "ensure", False),
        (engine, "problem", None),
        (engine, "started", engine.Started(pid=1, born=1.0)),
        (engine, "busy", 0),
        (engine, "stop", None),
        (base_image, "ensure", "tag"),
        (base_image, "remove", None),
        (mirror, "prepare", ("tag", "")),
        (mirror, "remove", None),
        (Builder, "ensure", Toolchain({})),
        (stacks, "run", 0),
        (stacks, "ready", None),
        (setup, "servers", []),
    ):
        owner = getattr(module, "__name__", "").rpartition(".")[2]
        monkeypatch.setattr(module, name, fake(f"{owner}.{name}", answer))
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sandbox", *arguments])
    return commands.main()


def test_tests_give_pytests_own_status_and_what_follows_goes_to_it(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run_pytest(command: list[str], _environment: object) -> int:
        ran.append(command)
        return 1

    monkeypatch.setattr(stacks, "run", run_pytest)
    assert run(monkeypatch, "test", "tests/unit", "-x", "-k=word") == 1
    options = [*commands.WORKERS, "--durations=15"]
    assert ran[0][1:] == ["-m", "pytest", *options, "tests/unit", "-x", "-k=word"]
    assert run(monkeypatch, "test") == 1
    order = [Path(word).name for word in ran[1][3 + len(options) :]]
    assert order == [name for name in commands.SUITES if name in order]
    assert order[0] == "unit"


def test_only_an_engine_that_the_tests_started_is_ended_after_them(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, "test")
    assert "engine.stop" not in calls
    monkeypatch.setattr(engine, "ensure", lambda: True)
    run(monkeypatch, "test")
    assert calls[-1] == "engine.stop"


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (
            ConfigError("bad size", file="image.toml", remedy="say another"),
            2,
            "bakewell: image.toml: bad size\n  remedy:",
        ),
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
    def fail() -> bool:
        raise error

    monkeypatch.setattr(engine, "ensure", fail)
    assert run(monkeypatch, "up") == status
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_an_unknown_command_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "upp") == 2


def test_a_mirrors_programs_are_built_beside_the_others(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Sequence[Tool]] = []
    monkeypatch.setattr(Builder, "ensure", lambda _self, tools: built.append(tools))
    setup.install()
    assert "mirror.prepare" not in calls
    setup.install(with_mirror=True)
    assert calls[-1] == "mirror.prepare", "its image is made from the machine's, so that comes first"
    assert built == [NEEDED, (*NEEDED, *SERVED)]


def test_the_mirrors_image_goes_before_the_one_it_rests_on(calls: list[str]) -> None:
    setup.end_engine()
    assert calls.index("mirror.remove") < calls.index("base_image.remove") < calls.index("engine.stop")


def test_what_fails_in_the_background_fails_the_set_up(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_progress: object) -> None:
        raise BakewellError("no Debian to be had")

    monkeypatch.setattr(base_image, "ensure", fail)
    with pytest.raises(BakewellError, match="no Debian to be had"):
        setup.install()


def test_the_engine_and_the_base_image_stay_while_another_cloud_runs(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "servers", lambda: ["another"])
    setup.end_engine()
    assert calls == []


def test_the_engine_stays_while_it_runs_anybodys_containers(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "busy", lambda: 1)
    setup.end_engine()
    assert "engine.stop" not in calls


def test_down_works_where_nothing_was_set_up(
    calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "no Docker Engine answers")
    assert run(monkeypatch, "down", "--state", str(tmp_path / "never")) == 0
    assert calls == []
    half = tmp_path / "half"
    (half / "stacks").mkdir(parents=True)
    assert run(monkeypatch, "down", "--state", str(half)) == 0
    assert not half.exists()
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
