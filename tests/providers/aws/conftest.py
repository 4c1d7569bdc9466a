"""An AWS for a file, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.aws.cloud import KEYS, LocalAws, local_aws
from tests.providers.aws.plugin import Plugin


@pytest.fixture(scope="module")  # no longer: it changes moto, which other suites use as well
def served() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def aws(served: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalAws:
    """AWS, with credentials in the environment and nobody's own in files."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    served.reset()
    return served


@pytest.fixture
def plugin(aws: LocalAws) -> Plugin:
    return Plugin(aws).configure()
