"""Which processes belong to a local cloud, and which are the user's own work."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bakewell_local.cli import setup
from bakewell_local.sandbox import processes
from bakewell_local.sandbox.local_cloud import SECONDS_TO_END
from bakewell_local.sandbox.providers import home
from bakewell_local.sandbox.providers.versions import COMMAND, DIGITALOCEAN
from bakewell_local.toolchain.processes import end
from tests.waiting import until

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs, and kills those that a test leaves."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str | Path, **environment: str | Path) -> subprocess.Popen[bytes]:
        variables = {**os.environ, **{name: str(value) for name, value in environment.items()}}
        started.append(subprocess.Popen(command, env=variables, stdin=subprocess.PIPE))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A Pulumi home with two real plugins: programs that never look at their stdin."""
    for name, version in {"command": COMMAND, "digitalocean": DIGITALOCEAN}.items():
        plugin = tmp_path / f"user/plugins/resource-{name}-v{version}/pulumi-resource-{name}"
        plugin.parent.mkdir(parents=True)
        shutil.copy("/bin/sleep", plugin)
    return tmp_path / "user"


def plugin(pulumi_home: Path, name: str = "command") -> Path:
    (folder,) = pulumi_home.glob(f"plugins/resource-{name}-v*")
    return folder / f"pulumi-resource-{name}"


def pids(found: list[psutil.Process]) -> set[int]:
    return {process.pid for process in found}


def test_a_real_plugin_that_lingers_is_found_by_its_environment_and_the_users_other_one_is_not(
    start: Start, user: Path, tmp_path: Path
) -> None:
    cloud = tmp_path / "cloud"
    assert home.install(cloud / "pulumi-home", user_home=user)["command"].startswith("real plugin")
    # A test's build state is its own, wherever its cloud is.
    ours = start(plugin(cloud / "pulumi-home"), "600", PULUMI_HOME=cloud / "pulumi-home", BAKEWELL_STATE=tmp_path)
    theirs = start(plugin(user), "600", PULUMI_HOME=user)
    neighbours = start(plugin(user), "600", PULUMI_HOME=tmp_path / "cloud-2/pulumi-home")
    for process in (ours, theirs, neighbours):
        assert process.stdin is not None
        process.stdin.close()  # as the end of the engine does
        executable = psutil.Process(process.pid).exe
        until(executable, lambda path: path == str(plugin(user)), "no plugin yet")
    assert pids(processes.using(cloud)) == {ours.pid}
    assert end(processes.using(cloud), SECONDS_TO_END) == []
    assert [process.poll() is None for process in (ours, theirs, neighbours)] == [False, True, True]


def test_an_orphaned_plugin_is_that_of_the_provider_asked_for_whose_engine_is_gone(
    start: Start, user: Path, tmp_path: Path
) -> None:
    own = tmp_path / "cloud/pulumi-home"
    home.install(own, user_home=user)
    engine = tmp_path / "pulumi"
    shutil.copy("/bin/sh", engine)
    live = start(engine, "-c", f"{plugin(own, 'digitalocean')} 600; true", PULUMI_HOME=own)
    orphans = {name: start(plugin(own, name), "600", PULUMI_HOME=own) for name in ("command", "digitalocean")}
    until(lambda: len(processes.using(own)) == 4, what="not all run")
    found = pids(processes.orphaned_plugins(own, "digitalocean", "aws"))
    assert found == {orphans["digitalocean"].pid}
    end(processes.using(own), SECONDS_TO_END)
    live.wait()


def test_a_stand_in_is_a_plugin_too(start: Start, tmp_path: Path) -> None:
    own = tmp_path / "pulumi-home"
    home.install(own, user_home=tmp_path / "nobody")
    running = start(plugin(own, "digitalocean"), PULUMI_HOME=own)
    found = until(lambda: pids(processes.orphaned_plugins(own, "digitalocean")), what="not found")
    assert found == {running.pid}
    assert processes.orphaned_plugins(own, "aws") == []


def test_the_clean_up_after_a_killed_test_run_ends_its_plugins(
    start: Start, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    with setup.own_folder() as mine:
        theirs = mine.with_name("4194305")
        own = theirs / "providers/pulumi-home"
        home.install(own, user_home=user)
        running = start(plugin(own), "600", PULUMI_HOME=own)
        until(lambda: processes.using(theirs), what="not found")
        setup.remove_leftovers()
        assert running.wait(SECONDS_TO_END) != 0
