"""One local AWS over machines in memory for a whole session; each test gets it empty, and what leads there.

boto3 is given no endpoint and no key by hand: it finds them where everybody's does.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from botocore.loaders import create_loader

from sandbox.aws.cloud import current, serve
from tests.contract.aws.served import ACCESS, Served
from tests.waiting import until

_LOADER = functools.cache(create_loader)
"""A third of a second for each session of boto3's, spent once: it reads what the services are."""


@pytest.fixture(scope="session")
def one_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The cloud as other tests left it: use `aws`."""
    one = Served(tmp_path_factory.mktemp("aws"))
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def aws(one_aws: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The cloud, empty and without faults."""
    before = None
    with suppress(IndexError):  # moto is one for the process: other suites' clouds take turns with this one
        before = current()
    serve(one_aws.cloud)
    one_aws.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", one_aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS.secret)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr("botocore.session.create_loader", _LOADER)
    yield one_aws
    until(one_aws.cloud.work.idle)
    if before is not None:
        serve(before)
