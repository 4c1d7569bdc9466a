"""Which tests run where provider plugins are real, and what ends a test that does not end by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bakewell_local.sandbox.providers.versions import PLUGINS
from bakewell_local.toolchain.folders import ROOT
from tests.plugins_under_test import reason

EXAMPLE = """
import pytest


@pytest.mark.stand_in("command", why="it has to linger")
def test_one() -> None: ...


@pytest.mark.stand_in("aws", "digitalocean", why="it must not call")
def test_other() -> None: ...


def test_both() -> None: ...
"""
HOOKS = """
from tests.plugins_under_test import *
from tests.plugins_under_test import leave_out as pytest_collection_modifyitems
"""
ENDLESS = "import threading\n\n\ndef test_it() -> None:\n    threading.Event().wait()\n"


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A folder of tests with the hooks, and beside it a Pulumi home whose command plugin is real."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_text(HOOKS)
    (folder / "test_example.py").write_text(EXAMPLE)
    binary = tmp_path / f"user/plugins/resource-command-v{PLUGINS['command']}/pulumi-resource-command"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"\x7fELF")
    binary.chmod(0o755)
    return folder


def run(tests: Path, plugins: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "pytest", "-c", f"{ROOT}/pyproject.toml", f"--rootdir={tests}", str(tests), *options]
    home = tests.with_name("user" if plugins else "nobody")
    environment = {**os.environ, "BAKEWELL_TEST_PLUGINS": plugins, "PULUMI_HOME": str(home)}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_stand_ins_are_tested_unless_real_plugins_are_asked_for(tests: Path) -> None:
    done = run(tests, "")
    assert "provider plugins: aws stand-in" in done.stdout
    assert "3 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadgroup")], ids=["alone", "workers"])
def test_what_only_a_stand_in_can_show_is_left_out_with_its_reason(tests: Path, workers: tuple[str, ...]) -> None:
    done = run(tests, "real", *workers)
    assert re.search("aws stand-in .*, command real .*, digitalocean stand-in", done.stdout), done.stdout
    assert "2 passed" in done.stdout
    assert "test_example.py::test_one: it has to linger" in done.stdout
    assert "test_other" not in done.stdout


def test_real_plugins_that_are_not_there_are_no_stand_ins_instead(tests: Path) -> None:
    (tests.with_name("user") / "plugins").rename(tests.with_name("elsewhere"))
    done = run(tests, "real")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "there is no real plugin of aws" in done.stderr
    assert "say `real`, or leave it out" in run(tests, "rael").stderr


def test_a_mark_names_a_plugin_and_a_reason() -> None:
    mark = pytest.mark.stand_in("aws", "command", why="it has to linger").mark
    assert reason(mark, {"command"}) == "it has to linger"
    assert reason(mark, {"digitalocean"}) == ""
    stand_in = pytest.mark.stand_in
    for wrong in (stand_in("comand", why="a typo"), stand_in("command"), stand_in(why="of which?")):
        with pytest.raises(pytest.UsageError, match="say @pytest"):
            reason(wrong.mark, ())


def test_a_test_that_waits_for_ever_is_ended_with_a_look_at_its_threads(tests: Path) -> None:
    (tests / "test_example.py").write_text(ENDLESS)
    done = run(tests, "", "-o", "faulthandler_timeout=1")
    assert done.returncode == 1
    assert "test_example.py" in done.stderr and "Timeout" in done.stderr
