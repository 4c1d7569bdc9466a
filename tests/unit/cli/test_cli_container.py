"""`container`'s own input, and `ready` for a machine that is reached at a URL. What boots is in tests/e2e/docker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.unit.cli.conftest import Bakewell


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server that answers 200 to everything: its root, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


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
