"""Which stack `make up`, `preview` and `env` work on, what they show of it, and what is committed of the fleet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakewell.catalog import Catalog
from bakewell.errors import BakewellError
from bakewell.settings import load_settings
from sandbox import __main__ as commands
from sandbox import setup, stacks
from sandbox.local_cloud import LocalCloud
from toolchain.folders import ROOT

DEV = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done for a command, in order, with all that needs an engine replaced; pulumi's runs with their stack."""
    done: list[str] = []

    def say(name: str) -> Any:
        return lambda *_args, **_options: done.append(name)

    def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
        done.append(f"{command[0]} {command[1]} of {environment['PULUMI_STACK']}")
        return 0

    def install(*, clouds: list[str], with_mirror: bool) -> None:
        done.append(f"install {','.join(clouds)}" if with_mirror else "no mirror")

    monkeypatch.setattr(setup, "install", install)
    monkeypatch.setattr(LocalCloud, "serving", lambda _self: False)
    monkeypatch.setattr(LocalCloud, "start", say("start"))
    monkeypatch.setattr(LocalCloud, "start_mirror", say("mirror"))
    monkeypatch.setattr(LocalCloud, "install_providers", lambda _self: {})
    monkeypatch.setattr(LocalCloud, "environment", lambda _self: {"PULUMI_STACK": "dev", "TOKEN": "it's"})
    monkeypatch.setattr(stacks, "ready", lambda stack, _state, _environment: done.append(f"stack {stack}"))
    monkeypatch.setattr(LocalCloud, "serving_aws", lambda _self: "aws" in done)
    monkeypatch.setattr(LocalCloud, "start_aws", say("aws"))
    monkeypatch.setattr(stacks, "exists", lambda stack, _state: stack in ("dev", "both"))
    monkeypatch.setattr(stacks, "refresh", lambda stack, _environment: done.append(f"refresh {stack}"))
    monkeypatch.setattr(stacks, "run", run)
    monkeypatch.setattr(stacks, "machines", lambda _environment: {})
    return done


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sandbox", *arguments])
    return commands.main()


@pytest.mark.parametrize("command", ["up", "preview"])
@pytest.mark.parametrize(("words", "stack"), [([], "dev"), (["--roles", "all"], "fleet")])
def test_all_roles_are_the_stack_fleet_and_else_it_is_dev(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, words: list[str], stack: str
) -> None:
    assert call(monkeypatch, command, "--state", str(tmp_path), *words) == 0
    begun = ["install digitalocean", "start", "mirror"]
    assert runs == [*begun, f"stack {stack}", f"pulumi {command} of {stack}"]


@pytest.mark.parametrize(
    ("clouds", "stack"), [("aws", "aws"), ("digitalocean,aws", "both"), ("aws, digitalocean", "both")]
)
def test_clouds_choose_the_stack_and_what_is_started(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clouds: str, stack: str
) -> None:
    words = ("up", "--state", str(tmp_path), "--clouds", clouds)
    assert call(monkeypatch, *words) == 0
    built = "install aws" if stack == "aws" else "install aws,digitalocean"
    # Its records are empty, so whatever stack knows of any has to look.
    begun = ["start", "aws", "mirror", "stack both", "refresh both"]
    assert runs == [built, *begun, f"stack {stack}", f"pulumi up of {stack}"]
    runs[:] = ["aws"]
    assert call(monkeypatch, *words) == 0
    assert runs == ["aws", built, "start", "mirror", f"stack {stack}", f"pulumi up of {stack}"], "it serves already"


def test_a_refresh_that_did_not_come_about_is_made_up_for(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("preview", "--state", str(tmp_path), "--clouds", "aws")

    def fail(_stack: str, _environment: Mapping[str, str]) -> None:
        raise BakewellError("pulumi was interrupted")

    with monkeypatch.context() as broken:
        broken.setattr(stacks, "refresh", fail)
        assert call(monkeypatch, *words) == 1
    assert "refresh both" not in runs
    for refresh in (["stack both", "refresh both"], []):
        runs[:] = ["aws"]  # it serves by now
        assert call(monkeypatch, *words) == 0
        assert runs[1:] == ["install aws", "start", "mirror", *refresh, "stack aws", "pulumi preview of aws"]


@pytest.mark.parametrize("words", [["--clouds", "gcp"], ["--clouds", "aws", "--roles", "all"], ["--clouds", "aws,gcp"]])
def test_clouds_without_a_stack_are_refused_before_anything_is_done(
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
) -> None:
    assert call(monkeypatch, "up", "--state", str(tmp_path), *words) == 1
    told = capsys.readouterr().err
    assert f"CLOUDS={words[1]}" in told and "remedy: say CLOUDS=aws or CLOUDS=digitalocean,aws" in told
    assert runs == []


@pytest.mark.parametrize(("words", "stack"), [([], "dev"), (["--roles", "all"], "fleet")])
def test_the_exports_name_the_stack(
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    stack: str,
) -> None:
    assert call(monkeypatch, "env", "--state", str(tmp_path), *words) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [f"export PULUMI_STACK={stack}", "export TOKEN='it'\"'\"'s'"]
    assert runs[-1] == f"stack {stack}"


@pytest.mark.parametrize("roles", ["web", "dev", "web api", "ALL"])
def test_any_other_choice_of_roles_is_refused_before_anything_is_done(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, roles: str
) -> None:
    assert call(monkeypatch, "up", "--state", str(tmp_path), "--roles", roles) == 1
    told = capsys.readouterr().err
    assert f"ROLES={roles}: " in told
    assert "remedy: say ROLES=all" in told
    assert runs == []


@pytest.mark.parametrize("target", ["up", "preview", "env"])
@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], ""),
        (["ROLES=all"], " --roles 'all'"),
        (["ROLES=a b"], " --roles 'a b'"),
        (["CLOUDS=digitalocean,aws"], " --clouds 'digitalocean,aws'"),
    ],
)
def test_make_passes_roles_and_clouds_on(target: str, given: list[str], passed: str) -> None:
    said = subprocess.check_output(["make", "--no-print-directory", "-n", target, *given], cwd=ROOT, text=True)
    assert said.splitlines()[-1].split() == f"exec .venv/bin/python -m sandbox {target}{passed}".split()


def test_a_machine_is_told_with_its_address_and_when_it_was_ready(tmp_path: Path) -> None:
    outputs: dict[str, dict[str, object]] = {
        "consul-server-1": {"role": "consul-server", "address": "10.160.0.2", "url": None, "ready_seconds": 1.5},
        "web-1": {"role": "web", "address": "10.160.0.3", "url": "http://10.160.0.3/", "ready_seconds": None},
    }
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'machines': outputs})}'\n")
    program.chmod(0o755)
    found = stacks.machines({"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert [stacks.row(name, machine, "200" if machine.url else "").split() for name, machine in found] == [
        ["consul-server-1", "10.160.0.2", "-", "-", "ready", "after", "1.5", "s"],
        ["web-1", "10.160.0.3", "http://10.160.0.3/", "200"],
    ]


def test_the_fleet_has_a_machine_of_every_role_that_no_other_is_built_on() -> None:
    settings = load_settings("fleet", ROOT)
    assert settings.local
    assert settings.roles == []
    catalog = Catalog.load(ROOT / "packer")
    leaves = set(catalog.roles) - {image.parent for image in catalog}
    assert {role: machine.count for role, machine in settings.machines.items()} == {
        role: 3 if role == "consul-server" else 1 for role in leaves
    }
    assert all(machine.ssh_keys == ["local-cloud"] for machine in settings.machines.values())


@pytest.mark.parametrize("file", ["Pulumi.fleet", "Pulumi.aws", "Pulumi.both", "examples/app-stack/Pulumi.both"])
def test_every_stack_of_the_local_cloud_has_its_salt(file: str) -> None:
    assert yaml.safe_load((ROOT / f"{file}.yaml").read_text())["encryptionsalt"] == DEV["encryptionsalt"]


@pytest.mark.parametrize(("stack", "clouds"), [("aws", ["aws"]), ("both", ["digitalocean", "aws"])])
def test_the_stacks_on_aws_are_for_the_local_cloud_only_and_have_machines(stack: str, clouds: list[str]) -> None:
    settings = load_settings(stack, ROOT)
    assert (settings.local, settings.clouds) == (True, clouds)
    catalog = Catalog.load(ROOT / "packer")
    baked = set(catalog.select(settings.roles))
    for role, instance in settings.aws.instances.items():
        assert (instance.key, instance.count) == ("local-cloud", 1)
        assert instance.ssh_from, "or nobody can ask it how fast it was"
        assert {role, *catalog[role].boot.peers} <= baked
        assert set(catalog[role].boot.peers) <= set(settings.aws.instances), "it finds those that it has to"
