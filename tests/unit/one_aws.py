"""The local AWS over machines in memory, empty for each test, and what leads there.

boto3 is given no endpoint and no key by hand: it finds them where everybody's does.
"""

from __future__ import annotations

import functools
import os

import pytest
from botocore.loaders import create_loader

from tests.contract.aws.served import ACCESS, Served

_LOADER = functools.cache(create_loader)
"""A third of a second for each session of boto3's, spent once: it reads what the services are."""


@pytest.fixture
def aws(one_aws: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The cloud, empty and without faults."""
    one_aws.reset()
    one_aws.clock.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", one_aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS.secret)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr("botocore.session.create_loader", _LOADER)
    return one_aws
