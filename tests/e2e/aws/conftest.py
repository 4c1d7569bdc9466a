"""Fixtures of the end-to-end tests on AWS: its half of the session's local cloud, and clones that work on both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bakewell_local.sandbox.local_cloud import LocalCloud
from tests.e2e.aws.account import Account
from tests.e2e.workspace import Workspace
from tests.plugins_under_test import OFFLINE

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture(scope="session")
def with_aws(local_cloud: LocalCloud) -> dict[str, str]:
    """Everything a command needs to work on the session's local cloud, AWS's half too."""
    local_cloud.start_aws()
    return {**os.environ, **OFFLINE, **local_cloud.environment()}


@pytest.fixture(scope="session")
def with_vendors(local_cloud: LocalCloud, with_aws: Mapping[str, str]) -> dict[str, str]:
    """`with_aws`, and a mirror of what the real images download."""
    local_cloud.start_mirror()
    return {**with_aws, **local_cloud.environment()}


@pytest.fixture(scope="session")
def account(with_aws: Mapping[str, str]) -> Account:
    """The account, as somebody else with its keys sees it."""
    return Account(with_aws)


@pytest.fixture
def clone(tmp_path: Path, request: pytest.FixtureRequest, project: str) -> MakeWorkspace:
    """Makes clones of the test's project, on a stack."""

    def make(stack: str, *, real_images: bool = False) -> Workspace:
        environment = request.getfixturevalue("with_vendors" if real_images else "with_aws")
        made = Workspace.make(tmp_path / "clone", environment, project, real_images=real_images, stack=stack)
        made.init()
        return made

    return make
