"""Fixtures of the end-to-end tests: one local cloud for all, a clone and a project name for each test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bakewell_local.sandbox.local_cloud import LocalCloud
from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace
from tests.plugins_under_test import OFFLINE

MakeWorkspace = Callable[..., Workspace]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked e2e."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def cloud_environment(local_cloud: LocalCloud) -> dict[str, str]:
    """Everything a command needs to work on the session's local cloud, and nowhere else."""
    return {**os.environ, **OFFLINE, **local_cloud.environment()}


@pytest.fixture(scope="session")
def cloud(cloud_environment: Mapping[str, str]) -> Iterator[CloudView]:
    """The session's local cloud."""
    view = CloudView.of(cloud_environment)
    with view.http:
        yield view


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """A project name of the test's own."""
    return _name(request.node.name)


@pytest.fixture(scope="session")
def mirrored(local_cloud: LocalCloud, cloud_environment: Mapping[str, str]) -> dict[str, str]:
    """`cloud_environment` with a mirror of what the real images download."""
    local_cloud.start_mirror()
    return {**cloud_environment, **local_cloud.environment()}


@pytest.fixture
def clone(tmp_path: Path, request: pytest.FixtureRequest, project: str) -> MakeWorkspace:
    """Makes clones of the test's project; what their stacks made goes with the cloud."""

    def make(name: str = "clone", *, real_images: bool = False) -> Workspace:
        environment = request.getfixturevalue("mirrored" if real_images else "cloud_environment")
        return Workspace.make(tmp_path / name, environment, project, real_images=real_images)

    return make


@pytest.fixture
def workspace(clone: MakeWorkspace) -> Workspace:
    """A clone with the small catalog and its stack."""
    made = clone()
    made.init()
    return made


@pytest.fixture(autouse=True)
def no_faults_are_left(cloud: CloudView) -> Iterator[None]:
    """A failing test must not leave its faults to the next one."""
    yield
    cloud.http.delete("/sandbox/faults").raise_for_status()


def _name(test: str) -> str:
    """A legal project name from a test's name: at most 40 characters, distinct for parametrised tests."""
    words = re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower()).strip("-")
    return f"t{words[:24].strip('-')}-{sum(ord(c) * i for i, c in enumerate(test, 1)) % 46656:x}"
