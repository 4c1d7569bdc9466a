"""`bakewell local`: the process it becomes, the project it works for, and what it says and takes away."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

from bakewell.cli import run as bakewell
from bakewell.errors import ConfigError
from bakewell_local import __main__ as entry
from bakewell_local.cli import commands, extra, setup, starting, status
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project, stack_of
from bakewell_local.sandbox.local_cloud import Address, LocalCloud
from bakewell_local.toolchain import engine
from bakewell_local.toolchain.folders import ROOT


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of another name, with a stack that was made in its cloud; the working directory is below it."""
    (tmp_path / "packer/images").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text('config: {"bakewell:local": "true"}\n')
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path / "packer")
    for variable in ("BAKEWELL_STACK", "PULUMI_STACK"):
        monkeypatch.delenv(variable, raising=False)
    return Project.here()


def made(project: Project, stack: str, text: str = "{}") -> None:
    file = project.stack_file(stack)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (["up", "--stack", "dev", "--help"], ["up", "--stack", "dev", "--help"]),
        (["--debug", "status", "--json"], ["--debug", "status", "--json"]),
        ([], ["--help"]),
    ],
)
def test_the_command_becomes_the_local_clouds_own_process(
    monkeypatch: pytest.MonkeyPatch, words: list[str], passed: list[str]
) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execv", lambda *how: became.extend(how))
    assert bakewell(["local", *words]) == 0
    # -P: no module of the working directory stands in for one of ours.
    assert became == [sys.executable, [sys.executable, "-P", "-m", "bakewell_local", *passed]]


def test_a_missing_extra_is_one_message_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "docker>=7",
        "moto[server]>=5; extra == 'local'",
        'docker>=7 ; extra == "local"',
        "pydo>=1; extra == 'dev'",
    ]
    asked.append("nowhere-to-be-had>=1; extra == 'local'")
    monkeypatch.setattr(metadata, "requires", lambda _name: asked)
    assert extra.missing() == ["nowhere-to-be-had"]
    assert entry.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "nowhere-to-be-had\n  remedy: run: pip install 'bakewell[local]'" in said and said.count("\n") == 2


def test_the_project_is_the_one_of_the_working_directory(shop: Project, tmp_path: Path) -> None:
    assert (shop.root, shop.state, shop.name) == (tmp_path, tmp_path / ".bakewell", "shop")
    made(shop, "other")
    made(shop, "dev")
    assert shop.known() == ["dev", "other"]
    assert shop.known_on("digitalocean") == ["dev"], "the other's file is gone"
    assert shop.known_on("aws") == []
    assert shop.stack_file("dev") == tmp_path / ".bakewell/stacks/.pulumi/stacks/shop/dev.json"


def test_a_stack_that_is_not_for_the_local_cloud_is_not_started(
    shop: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "install", lambda **_how: pytest.fail("something is set up"))
    monkeypatch.setenv("PULUMI_STACK", "acme/prod")
    for command in ("up", "env", "reset"):
        assert commands.run([command]) == ConfigError.exit_code
        assert "Pulumi.prod.yaml: stack prod is not for the local cloud" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "stack"),
    [
        ({}, "dev"),
        ({"PULUMI_STACK": "fleet"}, "fleet"),
        ({"PULUMI_STACK": "fleet", "BAKEWELL_STACK": "acme/shop/aws"}, "aws"),
    ],
)
def test_variables_name_the_stack_as_for_every_command(variables: Mapping[str, str], stack: str) -> None:
    assert stack_of(variables) == stack


def test_vendors_are_wanted_where_an_image_has_something_of_theirs(shop: Project) -> None:
    assert Project(ROOT, ROOT).needs_mirror("dev")
    assert bakewell(["init", "new"]) == 2, "it is inside a project"
    assert not shop.needs_mirror("dev"), "files that cannot be read are for `up` to tell"


def test_status_says_what_runs_and_starts_nothing(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "no Docker Engine answers")
    found = status.look(shop)
    assert [server.pid for server in found.servers] == [None, None] and not found.mirror
    assert "stacks           none" in status.text(found)
    made(shop, "dev")
    assert status.look(shop).stacks == [status.StackStatus(name="dev", machines=None)]
    monkeypatch.setattr(LocalCloud, "serving", lambda _self: True)
    monkeypatch.setattr(LocalCloud, "address", lambda _self: Address(cloud_id="c", token="t", port=9, pid=7))
    monkeypatch.setattr(LocalCloud, "environment", lambda _self: {})
    machine = stacks.Machine(address="10.0.0.2", url="http://10.0.0.2/", ready_seconds=1.5)
    monkeypatch.setattr(
        stacks, "machines", lambda _project, environment: [(f"{environment['PULUMI_STACK']}-1", machine)]
    )
    monkeypatch.setattr(stacks, "http_status", lambda _url, _until: "200")
    lines = status.text(status.look(shop)).splitlines()
    assert lines[1].split() == ["digitalocean", "http://127.0.0.1:9,", "process", "7"]
    assert lines[-1].split() == ["dev-1", "10.0.0.2", "http://10.0.0.2/", "200", "ready", "after", "1.5", "s"]
    told = json.loads(status.look(shop).model_dump_json())
    assert told["stacks"][0]["machines"][0]["answer"] == "200"
    assert not (shop.state / "cloud").exists()


def test_what_a_stack_has_on_docker_goes_by_pulumi_before_its_state_goes(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def start(_project: Project, stack: str) -> dict[str, str]:
        done.append(f"start {stack}")
        return {}

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(stacks, "destroy", lambda stack, _project, _environment: done.append(f"destroy {stack}"))
    monkeypatch.setattr(setup, "tear_down", lambda _state: done.append("down"))
    made(shop, "dev")
    made(shop, "laptop", json.dumps({"create": 'exec bakewell container "$CONTAINER" --image 1'}))
    assert commands.run(["down"]) == 0
    assert done == ["start laptop", "destroy laptop", "down"]


def test_reset_removes_everything_and_starts_again(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(setup, "wake", lambda _state: True)
    monkeypatch.setattr(LocalCloud, "destroy", lambda cloud: done.append(f"destroy {cloud.state.name}"))
    monkeypatch.setattr(commands, "start", lambda _project, stack: done.append(f"start {stack}"))
    shop.state.mkdir()
    assert commands.run(["reset"]) == 0
    assert done == ["destroy .bakewell", "start dev"]


@pytest.mark.parametrize("command", ["down", "reset"])
@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("/", "the project is in it"),
        ("..", "the project is in it"),
        ("../home", "it is the home folder"),
        ("../empty", "it has no pulumi-home and no stacks"),
        ("../notes", "it has no pulumi-home and no stacks"),
        ("../shared", "it has thesis.txt, which no local cloud makes"),
        ("../link", "it is a link to"),
        ("../file", "it is no folder"),
        (".bakewell", "it is a link to"),
    ],
)
def test_a_folder_that_is_no_local_clouds_state_is_not_removed(
    shop: Project,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    trouble: str,
) -> None:
    beside = tmp_path_factory.mktemp("beside")
    for folder in ("home", "empty", "notes", "shared/pulumi-home", "shared/stacks", "real/pulumi-home", "real/stacks"):
        (beside / folder).mkdir(parents=True)
    (beside / "link").symlink_to(beside / "real")
    (shop.root / ".bakewell").symlink_to(beside / "real")
    for file in ("notes/thesis.txt", "shared/thesis.txt", "file"):
        (beside / file).write_text("years of work")
    monkeypatch.setenv("HOME", str(beside / "home"))
    for owner, verb in ((setup, "tear_down"), (setup, "wake"), (LocalCloud, "destroy"), (commands, "start")):
        monkeypatch.setattr(owner, verb, lambda *_: pytest.fail("something is removed or started"))
    before = sorted(beside.rglob("*"))
    named = beside / name.removeprefix("../") if name.startswith("../") else shop.root / name
    assert commands.run([command, "--state", str(named)]) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert f"{named}: this is not the state of a local cloud: {trouble}" in said and "nothing was removed" in said
    assert sorted(beside.rglob("*")) == before
