"""A proxy on loopback that leads everywhere to one place of this machine; no name is ever resolved."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.unit.loopback import serving


@dataclass
class OneProxy:
    """What the proxy does, and what it was asked.

    Attributes:
        address: HOST:PORT.
        port: where it leads to, on loopback.
        login: `Proxy-Authorization` that it wants; None for none.
        refusal: the status that it answers to everything; None where it lets requests through.
        asked: method and target of each request.
    """

    address: str
    port: int = 0
    login: str | None = None
    refusal: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def one_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[OneProxy]:
    """A proxy that no variable names yet."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    told = OneProxy("")

    class Handler(BaseHTTPRequestHandler):
        def refuses(self) -> bool:
            told.asked.append((self.command, self.path))
            status = told.refusal
            if told.login is not None and self.headers.get("Proxy-Authorization") != told.login:
                status = 407
            if status is not None:
                self.send_error(status)
            return status is not None

        def do_CONNECT(self) -> None:
            if self.refuses():
                return
            with socket.create_connection(("127.0.0.1", told.port)) as far:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_copy, args=(far, self.connection))
                back.start()
                _copy(self.connection, far)
                back.join()
            self.close_connection = True

        def do_GET(self) -> None:
            if self.refuses():
                return
            body = b"by the proxy"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests look at `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"127.0.0.1:{server.server_port}"
    with serving(server):
        yield told


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
