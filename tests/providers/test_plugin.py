"""How the plugins behave as processes: start, logs, cancel, end."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import psutil
import pytest

from bakewell_local.sandbox.providers import pace
from bakewell_local.sandbox.providers.versions import PLUGINS
from tests.providers.asking import Made, Refused
from tests.providers.plugin import Plugin
from tests.waiting import LONGEST, gone, until

COMMAND = "command:local:Command"
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
def test_it_starts_from_any_folder_and_does_not_end_with_its_stdin(
    pulumi_home: Path, tmp_path: Path, name: str
) -> None:
    # What lies in the project may not be imported in place of what the plugin needs.
    for module in ("json", "grpc", "bakewell_local", "values"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from the project')")
    poor = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"}
    with Plugin(pulumi_home, name, tmp_path, poor) as plugin:
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


def test_lines_are_logged_while_the_command_runs(command: Plugin, tmp_path: Path) -> None:
    made: list[Made] = []
    wait = f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; printf second"
    running = Thread(target=lambda: made.append(command.make(COMMAND, "c", create=wait)))
    running.start()
    assert command.line() == "first"
    assert made == []
    (tmp_path / "go").touch()
    assert command.line() == "second"
    running.join(LONGEST)
    assert made[0].state["stdout"] == "first\nsecond"


def test_the_end_of_the_engine_kills_the_command(pulumi_home: Path, tmp_path: Path) -> None:
    with Plugin(pulumi_home, "command", tmp_path) as plugin:
        plugin.configure()

        def create() -> None:
            with pytest.raises(Refused):
                plugin.make(COMMAND, "c", create="echo $$; exec sleep 3600")

        running = Thread(target=create)
        running.start()
        pid = int(plugin.line())
        assert psutil.pid_exists(pid)
        plugin.hang_up()
        running.join(LONGEST)
        assert not running.is_alive()
        until(lambda: gone(pid), what="the command goes on")
        assert plugin.process.poll() is None
