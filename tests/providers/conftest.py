"""Each row of the table of how the plugins behave is a test. They run against the stand-ins, or, with
`BAKEWELL_TEST_PLUGINS=real`, against the real plugins of the user's Pulumi home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.providers.home import install
from tests.providers.cloud import LocalApi, local_api
from tests.providers.stack import Stack, copy, template

NewStack = Callable[[str], Stack]


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pulumi home with the plugins under test."""
    home = tmp_path_factory.mktemp("pulumi-home")
    if os.environ.get("BAKEWELL_TEST_PLUGINS", "stand-in") == "real":
        in_force = install(home)
        assert all(told.startswith("real plugin") for told in in_force.values()), in_force
    else:
        install(home, user_home=home / "nobody")
    return home


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
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """DigitalOcean's API on loopback."""
    with local_api(tmp_path_factory.mktemp("cloud")) as served:
        yield served
