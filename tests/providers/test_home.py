"""Which plugins a local cloud's Pulumi home gets, and that the engine finds them there.

The real plugin of these tests is a stand-in without its mark, which notes each start of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bakewell.errors import BakewellError
from bakewell_local.sandbox import processes
from bakewell_local.sandbox.local_cloud import SECONDS_TO_END
from bakewell_local.sandbox.providers.home import install
from bakewell_local.sandbox.providers.versions import COMMAND, PLUGINS
from bakewell_local.toolchain.processes import end
from tests.providers.conftest import NewStack
from tests.providers.stack import Stack
from tests.waiting import LONGEST, gone

STAND_INS = {name: f"stand-in v{version}" for name, version in PLUGINS.items()}
FOLDER = f"resource-command-v{COMMAND}"
BINARY = "pulumi-resource-command"
PROGRAM = """
    from pulumi_command import local

    local.Command("c", create="true")
"""


class UserHome:
    """A Pulumi home whose owner installed the command plugin, as Pulumi lays it out; one that `lingers` outlives the
    engine, as a real plugin does.
    """

    def __init__(self, folder: Path, version: str = COMMAND, *, lingers: bool = False) -> None:
        self.path = folder
        self.plugin = folder / f"plugins/resource-command-v{version}"
        self.notes = folder.with_name(f"{folder.name}-starts")
        install(folder.with_name("bare"), user_home=folder.with_name("nobody"))
        launcher = folder.with_name("bare") / "plugins" / FOLDER / BINARY
        shebang, _mark, start = launcher.read_text().splitlines()
        self.plugin.mkdir(parents=True)
        if lingers:
            endless = folder.with_name(f"{folder.name}-stdin")
            os.mkfifo(endless)
            start += f" 0<>{endless}"
        # Like a program of machine code, it is no text.
        script = f"{shebang}\necho started >>{self.notes}\n{start}\n".encode() + b"\xff\xfe\n"
        (self.plugin / BINARY).write_bytes(script)
        (self.plugin / BINARY).chmod(0o755)
        # Pulumi keeps the first of these for good, beside each plugin.
        self.plugin.with_name(f"{self.plugin.name}.lock").touch()
        self.partial = self.plugin.with_name(f"{self.plugin.name}.partial")
        self.content = self.files()

    def starts(self) -> int:
        return len(self.notes.read_text().splitlines()) if self.notes.exists() else 0

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.plugin.iterdir()}


@pytest.fixture
def user(tmp_path: Path) -> UserHome:
    return UserHome(tmp_path / "user")


def test_a_link_to_the_users_own_plugins_changes_none_of_them(user: UserHome, tmp_path: Path) -> None:
    linked, whole = tmp_path / "linked", tmp_path / "whole"
    linked.mkdir()
    (linked / "plugins").symlink_to(user.path / "plugins")
    assert install(linked, user_home=user.path)["command"].startswith("real plugin")
    assert (linked / "plugins" / FOLDER / BINARY).resolve() == user.plugin / BINARY
    whole.symlink_to(user.path)
    with pytest.raises(BakewellError, match="is the user's own"):
        install(whole, user_home=user.path)
    assert user.files() == user.content and sorted(user.path.iterdir()) == [user.path / "plugins"]


def of_home(stack: Stack, home: Path) -> Stack:
    """The stack, in an environment with another Pulumi home."""
    return Stack(stack.folder, {**stack.environment, "PULUMI_HOME": str(home)})


def listed(home: Path) -> set[str]:
    """The plugins that the engine finds in a home."""
    done = subprocess.run(
        ["pulumi", "plugin", "ls", "--json"],
        env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {f"resource-{one['name']}-v{one['version']}" for one in json.loads(done.stdout)}


EVERY = {f"resource-{name}-v{version}" for name, version in PLUGINS.items()}


def test_the_engine_starts_the_users_real_plugin_the_stand_in_after_it_is_gone_and_one_on_path_above_all(
    new_stack: NewStack, user: UserHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    stack = of_home(new_stack("real-plugin"), home)
    stack.write(PROGRAM)
    # As a version before this one left it: a link to the folder, and a download that the engine then tried in vain.
    (home / "plugins").mkdir(parents=True)
    (home / "plugins" / FOLDER).symlink_to(user.plugin)
    for suffix in ("lock", "partial"):
        (home / "plugins" / f"{FOLDER}.{suffix}").touch()

    found = install(home, user_home=user.path)
    assert found == STAND_INS | {"command": f"real plugin v{COMMAND} from {user.plugin}"}
    assert install(home, user_home=user.path) == found
    assert listed(home) == EVERY
    done = stack.preview()
    assert done.code == 0, done.said()
    starts = user.starts()
    assert starts > 0

    gone = user.plugin.rename(tmp_path / "elsewhere")
    assert install(home, user_home=user.path) == STAND_INS
    assert listed(home) == EVERY
    done = stack.preview()
    assert done.code == 0, done.said()
    assert user.starts() == starts
    assert sorted(path.name for path in (home / "plugins" / FOLDER).iterdir()) == [BINARY]

    gone.rename(user.plugin)
    assert install(home, user_home=user.path) == found
    # Back to the stand-in, while the plugin is still there.
    assert install(home, user_home=tmp_path / "nobody") == STAND_INS
    assert not (home / "plugins" / FOLDER / BINARY).is_symlink()
    assert user.files() == user.content, "written through a link"

    stack.environment["PATH"] += f"{os.pathsep}{user.plugin}"
    monkeypatch.setenv("PATH", stack.environment["PATH"])
    told = f"{user.plugin / BINARY}, because it is on PATH"
    assert install(home, user_home=tmp_path / "nobody")["command"] == told
    done = stack.preview()
    assert done.code == 0, done.said()
    assert user.starts() > starts


def test_a_plugin_whose_download_was_not_completed_is_not_taken(user: UserHome, tmp_path: Path) -> None:
    user.partial.touch()
    assert FOLDER not in listed(user.path), "the engine takes it"
    found = install(tmp_path / "home", user_home=user.path)
    assert found["command"].startswith(f"stand-in v{COMMAND} ({user.plugin} is not complete")
    user.partial.unlink()
    assert install(tmp_path / "home", user_home=user.path)["command"].startswith("real plugin")


def test_a_plugin_that_outlives_a_killed_engine_is_ended_with_its_cloud(new_stack: NewStack, tmp_path: Path) -> None:
    home = tmp_path / "home"
    install(home, user_home=UserHome(tmp_path / "user", lingers=True).path)
    stack = of_home(new_stack("lingering"), home)
    stack.write(PROGRAM.replace("true", "echo $$ >pid.txt; exec sleep 3600"))
    up = stack.start("up", "--yes", "--skip-preview")
    command = int(stack.file("pid.txt"))
    try:
        plugin = psutil.Process(command).parent()
        assert plugin is not None
        up.kill()
        up.wait(timeout=LONGEST)
        assert not gone(plugin.pid)
        assert plugin.pid in {process.pid for process in processes.using(home)}
        assert end(processes.using(home), SECONDS_TO_END) == []
        assert gone(plugin.pid)
    finally:
        with suppress(psutil.NoSuchProcess):  # a plugin may end its command when the engine hangs up
            psutil.Process(command).kill()
    assert stack.end(up).code != 0


def test_another_version_stays_unused_and_is_named(tmp_path: Path) -> None:
    other = UserHome(tmp_path / "other", version="1.2.0")
    (other.path / "plugins/resource-digitalocean-v4.0.0").mkdir()  # an empty folder
    found = install(tmp_path / "home", user_home=other.path)
    reason = f" ({other.path}/plugins has v1.2.0, but the SDK asks for v{COMMAND})"
    assert found == STAND_INS | {"command": f"stand-in v{COMMAND}{reason}"}


def test_another_local_clouds_home_gives_its_real_plugins_and_no_stand_in(user: UserHome, tmp_path: Path) -> None:
    other, home = tmp_path / "other", tmp_path / "home"
    install(other, user_home=user.path)
    assert install(home, user_home=other) == STAND_INS | {"command": f"real plugin v{COMMAND} from {user.plugin}"}
    shutil.rmtree(other)  # as `make down` does there
    assert (home / "plugins" / FOLDER / BINARY).is_file()


def test_the_users_home_is_pulumi_home_unless_that_is_a_local_clouds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    UserHome(tmp_path / ".pulumi")
    home, other = tmp_path / "home", tmp_path / "other"
    install(other, user_home=tmp_path / "nobody")
    monkeypatch.setenv("HOME", str(tmp_path))
    for local in (home, other):
        monkeypatch.setenv("PULUMI_HOME", str(local))
        assert install(home)["command"].startswith("real plugin")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "elsewhere"))
    assert install(home)["command"] == f"stand-in v{COMMAND}"
