"""AWS's half of a cloud, empty for each test, over machines in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.served import Served, refused

Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def aws(one_aws: Served) -> Served:
    """An empty cloud."""
    one_aws.reset()
    return one_aws


@pytest.fixture
def refuses() -> Refuses:
    """`with refuses(code, status=400)`: the block's call is refused with it."""

    @contextmanager
    def expect(code: str, status: int = 400) -> Iterator[None]:
        with pytest.raises(ClientError) as caught:
            yield
        assert refused(caught.value) == (code, status)

    return expect
