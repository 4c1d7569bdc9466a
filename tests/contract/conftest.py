"""Clouds to test: quick ones over machines in memory, and one whose machines are containers.

Every response that the tests get is held against the published contract where that is present; where it is not,
test_openapi.py is not collected and the report's header says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.contract import openapi
from tests.contract.served import Api, Check, Served, serving

collect_ignore = [] if openapi.contract() is not None else ["digitalocean/test_openapi.py"]


def pytest_report_header() -> str:
    known = openapi.contract()
    if known is None:
        return f"DigitalOcean contract: not at {openapi.PATH}; responses are not held against it"
    return f"DigitalOcean contract: {len(known.operations)} operations, from {openapi.PATH}"


@pytest.fixture(scope="session")
def check() -> Check:
    """Holds a response against the contract."""
    known = openapi.contract()

    def unchecked(response: httpx.Response) -> None:
        response.read()

    return unchecked if known is None else known.check


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory, check: Check) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("cloud"), check) as one:
        yield one


@pytest.fixture
def served(_shared: Served) -> Served:
    """An empty cloud over machines in memory."""
    _shared.reset()
    return _shared


@pytest.fixture
def api(served: Served) -> Api:
    return served.api
