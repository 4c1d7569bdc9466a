"""Fixtures for every suite: an environment without anybody's tokens, the tools, and one local cloud a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sandbox import setup
from sandbox.local_cloud import LocalCloud
from toolchain.build import Builder, Toolchain

# A shell that ran `eval "$(make -s env)"` must not point the tests at its stack, nor an operator's at the real cloud.
# PULUMI_HOME stays: it may hold the real provider plugins.
for name in list(os.environ):
    if name.startswith(("DIGITALOCEAN_", "BAKEWELL_", "PULUMI_", "PACKER_", "PKR_")) and name != "PULUMI_HOME":
        del os.environ[name]


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Every Go tool, built if need be."""
    return Builder().ensure()


@pytest.fixture(scope="session")
def local_cloud(toolchain: Toolchain) -> Iterator[LocalCloud]:
    """A local cloud of this session's own, with provider plugins; gone at the end, also after a failure.

    Tests that share it keep apart by project name.
    """
    setup.install()
    cloud = LocalCloud(setup.tests_folder(os.getpid()), toolchain)
    try:
        cloud.start()
        cloud.install_providers()
        yield cloud
    finally:
        cloud.destroy()
