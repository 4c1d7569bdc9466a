"""One cloud over machines in memory for a whole session; each test gets it empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.served import Served

ACTION_SECONDS = 0.03


@pytest.fixture(scope="session")
def one_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The cloud as other tests left it: use `served`."""
    from tests.contract.served import serving

    with serving(tmp_path_factory.mktemp("cloud"), lambda response: response.read(), seconds=ACTION_SECONDS) as served:
        yield served


@pytest.fixture
def served(one_cloud: Served) -> Iterator[Served]:
    """The cloud, empty and without faults."""
    yield one_cloud
    one_cloud.reset()
