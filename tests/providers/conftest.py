"""Each row of the table of how the plugins behave is a test. They run against the stand-ins, or against real plugins:
see `tests/plugins_under_test.py`.

What a plugin answers is asked of the plugin (`plugin.py`), which takes milliseconds; what the engine makes of that is
seen in a stack (`stack.py`), which takes seconds: one stack holds as many rows as it can.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bakewell_local.sandbox import processes
from bakewell_local.sandbox.local_cloud import SECONDS_TO_END
from bakewell_local.sandbox.providers.home import install
from bakewell_local.toolchain.processes import end
from tests.plugins_under_test import REAL
from tests.providers.cloud import TOKEN, LocalApi, local_api
from tests.providers.plugin import Plugin
from tests.providers.stack import Stack, copy, template

NewStack = Callable[[str], Stack]


@pytest.fixture(scope="session")
def pulumi_home(clouds_folder: Path) -> Iterator[Path]:
    """A Pulumi home with the plugins under test; those that outlive their engine end with the session."""
    home = clouds_folder / "providers" / "pulumi-home"
    in_force = install(home)
    assert {name for name, told in in_force.items() if told.startswith("real plugin")} == REAL, in_force
    yield home
    end(processes.using(home), SECONDS_TO_END)


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> NewStack:
    """Makes an empty stack in a folder of that name."""
    assert shutil.which("pulumi"), "pulumi is not on PATH: `make test` puts it there"
    root = tmp_path_factory.mktemp("stacks")
    original = template(root / "template", pulumi_home)
    return lambda name: copy(original, root / name)


@pytest.fixture
def stack(new_stack: NewStack, request: pytest.FixtureRequest) -> Stack:
    """An empty stack for one test."""
    return new_stack(request.node.name)


@pytest.fixture(scope="session")
def one_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """DigitalOcean's API on loopback, as other tests left it."""
    with local_api(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.fixture
def api(one_api: LocalApi) -> LocalApi:
    """DigitalOcean's API, empty."""
    one_api.reset()
    return one_api


@pytest.fixture(scope="session")
def one_digitalocean(
    one_api: LocalApi, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plugin]:
    """The digitalocean plugin, configured for the API, with short pauses between retries."""
    with Plugin(pulumi_home, "digitalocean", tmp_path_factory.mktemp("digitalocean")) as plugin:
        pauses = {"httpRetryWaitMin": "0.05", "httpRetryWaitMax": "0.1"}
        plugin.configure(apiEndpoint=one_api.endpoint, token=TOKEN, **pauses)
        yield plugin


@pytest.fixture
def digitalocean(one_digitalocean: Plugin, api: LocalApi) -> Plugin:
    """The digitalocean plugin on an empty cloud."""
    return one_digitalocean


@pytest.fixture(scope="session")
def command(pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """The command plugin."""
    with Plugin(pulumi_home, "command", tmp_path_factory.mktemp("command")) as plugin:
        plugin.configure()
        yield plugin
