"""A cloud whose extra of the package is not installed is refused by the name of that extra."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from bakewell import extras
from bakewell.cli import run
from bakewell.clouds import connect
from bakewell.errors import ConfigError
from bakewell.settings import CloudName, Environment, Settings

ENVIRONMENT = Environment("http://127.0.0.1:9", Path("state"), "dev", None, "a-token-of-tests")


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in modules else find_spec(name))


@pytest.mark.parametrize("cloud", ["digitalocean", "aws", "docker"])
def test_a_cloud_without_its_extra_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, cloud: CloudName
) -> None:
    extras.check(cloud)
    module = extras.MODULES[cloud][-1]
    without(monkeypatch, module)
    with pytest.raises(ConfigError, match=f"what {cloud} needs is not installed: {module}") as caught:
        connect(cloud, ENVIRONMENT, Settings(clouds=[cloud]))
    assert caught.value.remedy == f"run: pip install 'bakewell[{cloud}]'"


def test_so_is_a_command_that_reads_no_stack(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "docker")
    assert run(["container", "web-1", "--remove"]) == 2
    assert "pip install 'bakewell[docker]'" in capfd.readouterr().err
