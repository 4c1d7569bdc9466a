"""Fixtures for every suite: an environment without anybody's tokens, the tools, and one local cloud a session."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bakewell_local.cli import setup
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.build import Builder, Toolchain
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.tools import HOSTS, PLUGINS, needed

if TYPE_CHECKING:
    from tests.contract.aws.served import Served

gc.disable()  # until all is imported: it stays, and to look for garbage among it takes a third of a collection
# A shell that ran `eval "$(bakewell local env)"` must not point the tests at its stack, nor an operator's at a cloud.
# PULUMI_HOME stays: it may hold the real provider plugins; the other says to test with those.
for name in list(os.environ):
    ours = name.startswith(("AWS_", "DIGITALOCEAN_", "BAKEWELL_", "PULUMI_", "PACKER_", "PKR_"))
    if ours and name not in ("PULUMI_HOME", "BAKEWELL_TEST_PLUGINS"):
        del os.environ[name]
# A test that runs PyInfra on this host forks, and a worker may hold gRPC of the Pulumi programs that it ran before:
# gRPC starts its threads again in the child, which breaks the child before it executes anything (grpc/grpc#43055).
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# Thousands of processes of ours start in a run of every test: compiled once is enough.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from tests import costs, plugins_under_test  # noqa: E402 (the second looks at the environment that was made above)

END_TO_END = ROOT / "tests" / "e2e"
LONGEST = ("e2e", "sandbox", "providers", "contract", "components", "unit")
"""The suites by how long their files take, the longest first."""
REAL_IMAGES = [END_TO_END / "stacks" / name for name in ("test_road.py", "test_fleet.py", "test_second_deploy.py")]
"""Files whose tests share the real images that the first of them bake and the machines of those, and so a worker; they
run in this order. The tests of any other file share one too."""


def pytest_configure(config: pytest.Config) -> None:
    """Have the hooks that are in modules of their own."""
    config.pluginmanager.register(costs)
    config.pluginmanager.register(plugins_under_test)


@pytest.hookimpl(tryfirst=True)  # xdist's own looks at what is said here
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a stand-in can show, where the plugins are real ones. Say which tests have to run in the same
    worker (pytest-xdist's loadgroup). What takes longest goes first: begun last, it would end alone, where the many
    that are quick fill every gap.
    """
    plugins_under_test.leave_out(config, items)

    def place(item: pytest.Item) -> tuple[int, int]:
        chain = REAL_IMAGES.index(item.path) if item.path in REAL_IMAGES else len(REAL_IMAGES)
        return chain, LONGEST.index(item.path.relative_to(ROOT / "tests").parts[0])

    items.sort(key=place)
    for item in items:
        group = "every-role" if item.path in REAL_IMAGES else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but among what tests make: what was imported is half a million objects."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Every Go tool, built if need be."""
    return Builder().ensure(needed(PLUGINS, HOSTS))


@pytest.fixture(scope="session")
def clouds_folder() -> Iterator[Path]:
    """Where this session's local clouds live: found again, and removed, also when the session is killed."""
    with setup.own_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def local_cloud(toolchain: Toolchain, clouds_folder: Path) -> Iterator[LocalCloud]:
    """A local cloud of this session's own, with provider plugins; gone at the end, also after a failure.

    Tests that share it keep apart by project name.
    """
    setup.install()
    cloud = LocalCloud(clouds_folder / "session", toolchain)
    try:
        cloud.start()
        cloud.install_providers()
        yield cloud
    finally:
        cloud.destroy()


@pytest.fixture(scope="session")
def one_aws() -> Iterator[Served]:
    """The local AWS over machines in memory, as other tests left it: moto, which is behind it, is one for a process."""
    from tests.contract.aws.served import Served  # no test that does without it waits for moto

    one = Served()
    try:
        yield one
    finally:
        one.stop()
