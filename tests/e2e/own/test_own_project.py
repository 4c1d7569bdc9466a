"""A project of one's own: the wheel, installed where nothing of this repository can be read, from `init` to `down`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import httpx
import pytest

from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.folders import ROOT
from tests.wheel import Built

LONGEST = 900
OUT_OF_SIGHT = 'mount -t tmpfs none "$1" && shift && exec "$@"'
"""For a shell with mounts of its own: an empty folder in the place of the first argument, then the command."""


class Shell:
    """Runs commands in a folder, with this environment's programs first on PATH."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        # Tools are built once, for all: that they are found again does not depend on this repository.
        kept = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME") if name in os.environ}
        beside = [part for part in os.environ["PATH"].split(os.pathsep) if not Path(part).is_relative_to(ROOT)]
        self.environment = {**kept, "PATH": os.pathsep.join([str(programs), *beside])}

    def run(self, *words: str, environment: Mapping[str, str] | None = None, code: int = 0) -> str:
        """What the command printed."""
        hidden = ["unshare", "--mount", "sh", "-c", OUT_OF_SIGHT, "sh", str(ROOT), *words]
        whole = {**self.environment, **(environment or {})}
        done = subprocess.run(hidden, cwd=self.folder, env=whole, capture_output=True, text=True, timeout=LONGEST)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel."""
    uv = str(Path(sys.executable).with_name("uv"))
    home = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([uv, "venv", "--quiet", f"--python={sys.executable}", home], check=True)
    package = f"bakewell[digitalocean,local] @ {built.wheel.as_uri()}"
    # Versions as they are locked, so that they are in the cache; what the ranges allow, `make ranges` tests.
    command = [
        uv,
        "pip",
        "install",
        "--quiet",
        f"--python={home}/bin/python",
        "-c",
        str(ROOT / "requirements.lock"),
        package,
    ]
    subprocess.run(command, check=True)
    return home / "bin"


@pytest.fixture
def shell(installed: Path, local_cloud: LocalCloud, tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty folder. The session's cloud runs meanwhile: it keeps `down` from taking what others need."""
    (tmp_path / "shop").mkdir()
    yield Shell(tmp_path / "shop", installed)
    LocalCloud(tmp_path / "shop" / ".bakewell").destroy()


def exports(text: str) -> dict[str, str]:
    """The variables that `bakewell local env` prints."""
    words = [shlex.split(line)[1].partition("=") for line in text.splitlines() if line.startswith("export ")]
    return {name: value for name, _, value in words}


def page(shell: Shell, environment: Mapping[str, str]) -> str:
    """What the machine of the role hello answers."""
    machines = json.loads(shell.run("pulumi", "stack", "output", "machines", "--json", environment=environment))
    (machine,) = machines.values()
    return httpx.get(machine["url"], timeout=10).raise_for_status().text


def test_from_an_empty_folder_to_a_changed_page(shell: Shell) -> None:
    assert shell.run("ls", str(ROOT)) == "", "nothing of this repository is there"

    shell.run("bakewell", "init")
    row = shell.run("bakewell", "local", "up").splitlines()[-1].split()
    assert row[0] == "digitalocean-hello-1" and row[3:5] == ["200", "ready"]
    environment = exports(shell.run("bakewell", "local", "env"))
    assert "Hello" in page(shell, environment)
    shell.run("bakewell", "new-role", "blog", "--parent", "hello")
    shell.run("bakewell", "validate", "blog", environment=environment)

    index = shell.folder / "packer/images/hello/files/index.html"
    index.write_text(index.read_text().replace("Hello", "Good morning"))
    preview = shell.run("pulumi", "preview", "--diff", environment=environment)
    assert "files/index.html" in preview and "replace" in preview
    shell.run("pulumi", "up", "--yes", "--skip-preview", environment=environment)
    assert "Good morning" in page(shell, environment)
    shell.run("pulumi", "preview", "--expect-no-changes", environment=environment)

    cloud = LocalCloud(shell.folder / ".bakewell").address()
    assert cloud is not None
    shell.run("bakewell", "local", "down")
    assert not (shell.folder / ".bakewell").exists()
    left = docker.from_env().containers.list(all=True, filters={"label": f"bakewell={cloud.cloud_id}"})
    assert left == [], "what the project had is gone"
