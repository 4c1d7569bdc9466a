"""How the plugins behave as processes: start, logs, cancel, end, and what they refuse."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import grpc
import psutil
import pytest

from sandbox.providers import pace
from sandbox.providers.versions import PLUGINS
from tests.providers.plugin import Plugin, urn
from tests.waiting import LONGEST, gone, until

COMMAND = urn("command:local:Command", "c")
DROPLET = urn("digitalocean:index/droplet:Droplet", "d")
OFFLINE = {"aws": {"region": "eu-central-1", "skipRequestingAccountId": "true"}}
"""What a plugin must be told in order to call nobody yet."""
LINGERS = "a real plugin asks once in five minutes whether the engine is there"


@pytest.mark.parametrize("name", PLUGINS)
def test_the_versions_are_those_that_the_sdks_ask_for(name: str) -> None:
    spec = find_spec(f"pulumi_{name}")
    assert spec is not None
    assert spec.origin is not None
    asked = json.loads(Path(spec.origin).with_name("pulumi-plugin.json").read_text())
    assert asked["version"] == PLUGINS[name]


@pytest.mark.parametrize("name", PLUGINS)
def test_it_starts_from_any_folder(pulumi_home: Path, tmp_path: Path, name: str) -> None:
    # What lies in the project may not be imported in place of what the plugin needs.
    for module in ("json", "grpc", "sandbox", "values"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from the project')")
    poor = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"}
    with Plugin(pulumi_home, name, tmp_path, poor) as plugin:
        assert plugin.configure(**OFFLINE.get(name, {})).supportsPreview


@pytest.mark.parametrize("name", PLUGINS)
def test_the_end_of_its_stdin_ends_no_plugin(pulumi_home: Path, tmp_path: Path, name: str) -> None:
    with Plugin(pulumi_home, name, tmp_path) as plugin:
        assert plugin.process.stdin is not None
        plugin.process.stdin.close()
        assert plugin.configure(**OFFLINE.get(name, {})).supportsPreview
        assert plugin.process.poll() is None


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.stand_in(n, why=LINGERS)) for n in PLUGINS])
def test_it_ends_some_time_after_the_engine(pulumi_home: Path, tmp_path: Path, name: str) -> None:
    quick = {**os.environ, pace.VARIABLE: "0.001"}
    with Plugin(pulumi_home, name, tmp_path, quick) as plugin:
        plugin.configure(**OFFLINE.get(name, {}))
        assert plugin.process.poll() is None
        plugin.end_engine()
        assert plugin.process.wait(timeout=LONGEST) == 0


def test_lines_are_logged_while_the_command_runs(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "command", tmp_path) as plugin:
        plugin.configure()
        made = []
        wait = "echo first; while [ ! -e go ]; do sleep 0.05; done; printf second"
        running = Thread(target=lambda: made.append(plugin.create(COMMAND, create=wait)))
        running.start()
        assert plugin.line() == "first"
        assert made == []
        (tmp_path / "go").touch()
        assert plugin.line() == "second"
        running.join(LONGEST)
        assert made[0][1]["stdout"] == "first\nsecond"


def test_the_end_of_the_engine_kills_the_command(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "command", tmp_path) as plugin:
        plugin.configure()

        def create() -> None:
            with pytest.raises(grpc.RpcError):
                plugin.create(COMMAND, create="echo $$; exec sleep 3600")

        running = Thread(target=create)
        running.start()
        pid = int(plugin.line())
        assert psutil.pid_exists(pid)
        plugin.hang_up()
        running.join(LONGEST)
        assert not running.is_alive()
        until(lambda: gone(pid), what="the command goes on")
        assert plugin.process.poll() is None


@pytest.mark.stand_in("command", why="the real plugin has the resource")
def test_a_resource_it_does_not_have_is_refused_with_the_way_out(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "command", tmp_path) as plugin:
        plugin.configure()
        with pytest.raises(grpc.RpcError) as refused:
            plugin.create(urn("command:remote:Command", "r"), create="true")
        assert "pulumi plugin install resource command 1.2.1" in str(refused.value)


@pytest.mark.stand_in("digitalocean", why="the real plugin would call the public API")
def test_the_stand_in_calls_loopback_only(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "digitalocean", tmp_path) as plugin:
        plugin.configure(apiEndpoint="https://api.digitalocean.com", token="none")
        inputs, failures = plugin.check(DROPLET, image="debian-12-x64", size="s-1vcpu-1gb", region="nyc3")
        assert failures == []
        with pytest.raises(grpc.RpcError) as refused:
            plugin.create(DROPLET, **inputs)
        assert "calls loopback only" in str(refused.value)


def test_failures_of_check_name_no_property_their_reasons_do(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "digitalocean", tmp_path) as plugin:
        plugin.configure()
        _, failures = plugin.check(DROPLET, image="", region="nyc3", tags=["fine", "not fine"])
        assert {name for name, _ in failures} == {""}
        missing = 'Missing required argument. The argument "size" is required, but no definition was found.'
        tags = "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 "
        assert sorted(reason for _, reason in failures) == [
            f"{missing}. Examine values at 'd.size'.",
            "image must not be empty, got . Examine values at 'd.image'.",
            f"{tags}characters per tag. Examine values at 'd.tags[1]'.",
        ]


@pytest.mark.stand_in("digitalocean", why="the real plugin has the property")
def test_a_property_it_does_not_have_is_refused_in_preview(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "digitalocean", tmp_path) as plugin:
        plugin.configure()
        given = {"image": "debian-12-x64", "size": "s-1vcpu-1gb", "region": "nyc3"}
        _, failures = plugin.check(DROPLET, **given, gpuPartitionMode="x", backupPolicy={"plan": "daily"})
        assert [reason.split(" is not implemented")[0] for _, reason in failures] == [
            "gpuPartitionMode",
            "backupPolicy",
        ]
