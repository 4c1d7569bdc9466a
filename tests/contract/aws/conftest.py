"""AWS's half of a cloud, empty for each test, over machines in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.served import Served, refused

Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("aws"))
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def aws(_shared: Served) -> Served:
    """An empty cloud."""
    _shared.reset()
    return _shared


@pytest.fixture
def refuses() -> Refuses:
    """`with refuses(code, status=400)`: the block's call is refused with it."""

    @contextmanager
    def expect(code: str, status: int = 400) -> Iterator[None]:
        with pytest.raises(ClientError) as caught:
            yield
        assert refused(caught.value) == (code, status)

    return expect
