"""Which stack `make up`, `preview` and `env` work on, and what is committed of the fleet."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakewell.catalog import Catalog
from bakewell.errors import BakewellError
from bakewell.settings import load_settings
from bakewell_local.cli import commands, setup
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.folders import ROOT

DEV = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done for a command, in order, with all that needs an engine replaced; pulumi's runs with their stack."""
    done: list[str] = []

    def say(name: str) -> Any:
        return lambda *_args, **_options: done.append(name)

    def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
        assert folder == ROOT
        done.append(f"{command[0]} {command[1]} of {environment['PULUMI_STACK']}")
        return 0

    def install(*, clouds: list[str], runtimes: list[str], with_mirror: bool) -> None:
        assert runtimes == ["python"]
        done.append(f"install {','.join(clouds)}" if with_mirror else "no mirror")

    monkeypatch.setattr(setup, "install", install)
    monkeypatch.setattr(Builder, "ensure", lambda _self, _tools: None)
    for name in ("start", "start_aws", "start_mirror"):
        monkeypatch.setattr(LocalCloud, name, say(name))
    monkeypatch.setattr(LocalCloud, "serving", lambda _self: False)
    monkeypatch.setattr(LocalCloud, "serving_aws", lambda _self: "start_aws" in done)
    monkeypatch.setattr(LocalCloud, "install_providers", lambda _self: {})
    monkeypatch.setattr(LocalCloud, "environment", lambda _self: {"PULUMI_STACK": "dev", "TOKEN": "it's"})
    monkeypatch.setattr(stacks, "ready", lambda stack, _project, _environment: done.append(f"stack {stack}"))
    monkeypatch.setattr(Project, "known", lambda _self: ["both", "dev"])
    monkeypatch.setattr(stacks, "refresh", lambda stack, _project, _environment: done.append(f"refresh {stack}"))
    monkeypatch.setattr(stacks, "run", run)
    monkeypatch.setattr(stacks, "machines", lambda _project, _environment: {})
    return done


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Runs a command, on a state folder of the test's own, and gives its status."""

    def run(command: str, *words: str) -> int:
        monkeypatch.chdir(ROOT / "docs")
        return commands.run([command, "--state", str(tmp_path), *words])

    return run


@pytest.mark.parametrize("command", ["up", "preview", "env"])
@pytest.mark.parametrize(
    ("words", "clouds", "stack"),
    [
        ([], "digitalocean", "dev"),
        (["--roles", "all"], "digitalocean", "fleet"),
        (["--clouds", "aws"], "aws", "aws"),
        (["--clouds", "digitalocean,aws"], "aws,digitalocean", "both"),
        (["--clouds", "aws, digitalocean"], "aws,digitalocean", "both"),
    ],
)
def test_roles_and_clouds_choose_the_stack_and_what_is_started(
    runs: list[str],
    call: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    command: str,
    words: list[str],
    clouds: str,
    stack: str,
) -> None:
    assert call(command, *words) == 0
    # AWS's half begins with empty records, so whatever stack knows of any has to look.
    aws, looks = (["start_aws"], ["stack both", "refresh both"]) if "aws" in clouds else ([], [])
    begun = [f"install {clouds}", "start", *aws, "start_mirror", *looks, f"stack {stack}"]
    assert runs == (begun if command == "env" else [*begun, f"pulumi {command} of {stack}"])
    if command == "env":
        exports = capsys.readouterr().out.splitlines()
        assert exports == [f"export PULUMI_STACK={stack}", "export TOKEN='it'\"'\"'s'"]


def test_a_refresh_is_made_up_for_where_it_did_not_come_about_and_made_once(
    runs: list[str], call: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_stack: str, _project: Project, _environment: Mapping[str, str]) -> None:
        raise BakewellError("pulumi was interrupted")

    with monkeypatch.context() as broken:
        broken.setattr(stacks, "refresh", fail)
        assert call("preview", "--clouds", "aws") == 1
    for refresh in (["stack both", "refresh both"], []):
        runs[:] = ["start_aws"]  # it serves by now
        assert call("preview", "--clouds", "aws") == 0
        assert runs[1:] == ["install aws", "start", "start_mirror", *refresh, "stack aws", "pulumi preview of aws"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        *((["--roles", roles], f"ROLES={roles}: ") for roles in ("web", "dev", "web api", "ALL")),
        (["--clouds", "gcp"], "CLOUDS=gcp: "),
        (["--clouds", "aws,gcp"], "CLOUDS=aws,gcp: "),
        (["--clouds", "aws", "--roles", "all"], "CLOUDS=aws ROLES=all: "),
    ],
)
def test_a_choice_without_a_stack_is_refused_before_anything_is_done(
    runs: list[str], call: Callable[..., int], capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert call("up", *words) == 1
    error = capsys.readouterr().err
    remedy = "say CLOUDS=aws or CLOUDS=digitalocean,aws" if "--clouds" in words else "say ROLES=all"
    assert told in error and f"remedy: {remedy}" in error
    assert runs == []


@pytest.mark.parametrize("target", ["up", "preview", "env"])
@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], " --stack dev"),
        (["ROLES=all"], " --roles 'all'"),
        (["ROLES=a b"], " --roles 'a b'"),
        (["CLOUDS=digitalocean,aws"], " --clouds 'digitalocean,aws'"),
    ],
)
def test_make_passes_roles_and_clouds_on(target: str, given: list[str], passed: str) -> None:
    said = subprocess.check_output(["make", "--no-print-directory", "-n", target, *given], cwd=ROOT, text=True)
    assert said.splitlines()[-1].split() == f"exec .venv/bin/bakewell local {target}{passed}".split()


def test_the_fleet_has_a_machine_of_every_role_that_no_other_is_built_on() -> None:
    settings = load_settings("fleet", ROOT)
    assert settings.local
    assert settings.roles == []
    catalog = Catalog.load(ROOT / "packer")
    leaves = set(catalog.roles) - {image.parent for image in catalog}
    assert {role: machine.count for role, machine in settings.digitalocean.droplets.items()} == {
        role: 3 if role == "consul-server" else 1 for role in leaves
    }
    assert all(machine.ssh_keys == ["local-cloud"] for machine in settings.digitalocean.droplets.values())


@pytest.mark.parametrize("file", ["Pulumi.fleet", "Pulumi.aws", "Pulumi.both", "examples/app-stack/Pulumi.both"])
def test_every_stack_of_the_local_cloud_has_its_salt(file: str) -> None:
    assert yaml.safe_load((ROOT / f"{file}.yaml").read_text())["encryptionsalt"] == DEV["encryptionsalt"]


@pytest.mark.parametrize(("stack", "clouds"), [("aws", ["aws"]), ("both", ["digitalocean", "aws"])])
def test_the_stacks_on_aws_are_for_the_local_cloud_only_and_have_machines(stack: str, clouds: list[str]) -> None:
    settings = load_settings(stack, ROOT)
    assert (settings.local, settings.clouds) == (True, clouds)
    catalog = Catalog.load(ROOT / "packer")
    baked = set(catalog.select(settings.roles))
    assert all(instance.count == 1 for instance in settings.aws.instances.values())
    for role, machines in [*settings.aws.instances.items(), *settings.aws.fleets.items()]:
        assert machines.key == "local-cloud" and machines.ssh_from, "or nobody can ask them how fast they were"
        assert {role, *catalog[role].boot.peers} <= baked
        assert set(catalog[role].boot.peers) <= set(settings.aws.instances), "it finds those that it has to"
