"""`container`'s own input, and `ready` for a machine that is reached at a URL. What boots is in tests/e2e/docker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.cli.conftest import Bakewell
from tests.unit.loopback import Answer, Request, answering


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server that answers 200 to everything: its root, and the paths that it was asked for."""
    paths: list[str] = []

    def answer(request: Request) -> Answer:
        paths.append(request.path)
        return 200, {}, b""

    with answering(answer) as url:
        yield url, paths


@pytest.mark.parametrize("options", [(), ("--image", "5" * 64, "--remove")])
def test_a_container_is_made_or_removed(bakewell: Bakewell, options: tuple[str, ...]) -> None:
    done = bakewell("container", "shop-dev-web-1", *options)
    assert done.code == 2 and "one of --image and --remove is wanted" in done.err


def test_it_needs_no_project(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    done = bakewell("container", "shop-dev-web-1", "--remove")
    assert done.code == 3 and "nowhere.sock" in done.err and "remedy: start Docker" in done.err


def test_a_machine_with_a_url_is_asked_there(
    bakewell: Bakewell, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, paths = asked
    monkeypatch.setenv("BAKEWELL_MACHINE", "docker-web-1")
    monkeypatch.setenv("BAKEWELL_ADDRESS", "192.0.2.1")
    monkeypatch.setenv("BAKEWELL_URL", f"{root}/up")
    done = bakewell("ready")
    assert (done.code, done.json) == (0, {"ready_seconds": None})
    assert paths == ["/up"]
