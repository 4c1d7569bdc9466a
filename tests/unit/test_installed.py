"""What Pulumi's language host is told of installed packages is what pip says of Pulumi's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.providers.versions import PLUGINS
from tests.plugins_under_test import PYTHON

LISTING = ("-m", "pip", "list", "-v", "--format", "json")


def said(*command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True)
    return done.stdout


def pulumis(listing: str) -> dict[str, tuple[str, str]]:
    packages = {p["name"].replace("_", "-"): (p["version"], p["location"]) for p in json.loads(listing)}
    return {name: told for name, told in packages.items() if name.startswith("pulumi")}


def test_packages_of_pulumi_are_those_that_pip_lists() -> None:
    told = pulumis(said(str(PYTHON), *LISTING))
    assert {f"pulumi-{name}": version for name, version in PLUGINS.items()}.items() <= {
        name: version for name, (version, _) in told.items()
    }.items()
    assert told == pulumis(said(sys.executable, *LISTING))


def test_anything_else_is_run() -> None:
    assert said(str(PYTHON), "-c", "import sys; print(sys.argv[1:])", "-m", "pip list") == "['-m', 'pip list']\n"
