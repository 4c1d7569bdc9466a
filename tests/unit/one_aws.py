"""The local AWS over machines in memory, empty for each test, and what leads there.

boto3 is given no endpoint and no key by hand: it finds them where everybody's does.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.aws.served import Served


@functools.cache
def _loader(*paths: Any) -> Any:
    """A third of a second for each session of boto3's, spent once: it reads what the services are."""
    from botocore.loaders import create_loader

    return create_loader(*paths)


@pytest.fixture
def aws(one_aws: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The cloud, empty and without faults, as if it had two regions: each question is asked in every one."""
    from tests.contract.aws.served import ACCESS, OTHER, REGION

    monkeypatch.setattr("bakewell_local.sandbox.aws.stock.REGIONS", (REGION, OTHER))
    one_aws.reset()
    one_aws.clock.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", one_aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS.secret)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr("botocore.session.create_loader", _loader)
    return one_aws
