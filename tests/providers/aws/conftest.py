"""The local AWS, empty for each test, and the plugin that is to work on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.aws.served import Served
from tests.providers.aws.cloud import KEYS, LocalAws
from tests.providers.aws.plugin import Plugin


@pytest.fixture
def aws(one_aws: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalAws:
    """AWS, with credentials in the environment and nobody's own in files."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return LocalAws(one_aws)


@pytest.fixture
def plugin(aws: LocalAws) -> Plugin:
    return Plugin(aws).configured()
