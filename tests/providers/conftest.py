"""Each row of the table of how the plugins behave is a test. They run against the stand-ins, or against real plugins:
see `tests/plugins_under_test.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.local_cloud import SECONDS_TO_END
from sandbox.providers.home import install
from tests.plugins_under_test import REAL
from tests.providers.cloud import LocalApi, local_api
from tests.providers.stack import Stack, copy, template
from toolchain.processes import end

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
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """DigitalOcean's API on loopback."""
    with local_api(tmp_path_factory.mktemp("cloud")) as served:
        yield served
