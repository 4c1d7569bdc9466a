"""One cloud over machines in memory for a whole session; each test gets it empty."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.contract.served import Api, Served, serving
from tests.waiting import until

ACTION_SECONDS = 0.03


@pytest.fixture(scope="session")
def one_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The cloud as other tests left it: use `served`."""
    folder: Path = tmp_path_factory.mktemp("cloud")
    with serving(folder, _read, seconds=ACTION_SECONDS) as served:
        yield served


@pytest.fixture
def served(one_cloud: Served) -> Iterator[Served]:
    """The cloud, empty and without faults."""
    yield one_cloud
    one_cloud.clock.reset()
    wipe(one_cloud.api)


def wipe(api: Api) -> None:
    """Take away all that a test made."""
    api.delete("/sandbox/faults")
    droplets, gpus, images = "/v2/droplets", "/v2/droplets?type=gpus", "/v2/images?private=true"
    for path, key in ((droplets, "droplets"), (gpus, "droplets"), (images, "images")):
        until(partial(_delete_all, api, path, key), lambda found: found == 0)
    for key in api.get("/v2/account/keys?per_page=200")["ssh_keys"]:
        api.delete(f"/v2/account/keys/{key['id']}")
    for tag in api.get("/v2/tags?per_page=200")["tags"]:
        api.delete(f"/v2/tags/{tag['name']}")


def _delete_all(api: Api, path: str, key: str) -> int:
    """Have everything of a list deleted; how much there still was."""
    found = api.get(path)[key]
    for one in found:
        api.http.delete(f"{path.partition('?')[0]}/{one['id']}")
    return len(found)


def _read(response: httpx.Response) -> None:
    response.read()
