"""An API that answers what a test told it to, and one over machines in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bakewell.clouds.digitalocean import DigitalOcean
from tests.contract.served import TOKEN, Served
from tests.unit.loopback import serving
from tests.unit.one_cloud import one_cloud, served

__all__ = ["one_cloud", "served"]


@dataclass
class Script:
    """Answers in order, the last one for ever; remembers what was asked."""

    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    endpoint: str = ""
    slept: list[float] = field(default_factory=list)

    def answer(self, status: int, body: Any = None, **headers: str) -> Script:
        self.answers.append((status, {k.replace("_", "-"): v for k, v in headers.items()}, body))
        return self

    def cloud(self) -> DigitalOcean:
        return DigitalOcean(self.endpoint, "the-secret-token", sleep=self.slept.append)


@pytest.fixture
def script() -> Iterator[Script]:
    told = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            told.asked.append((self.command, self.path, body))
            told.tokens.append(self.headers.get("Authorization"))
            status, headers, payload = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            data = (
                payload.encode()
                if isinstance(payload, str)
                else b""
                if payload is None
                else json.dumps(payload).encode()
            )
            self.send_response_only(status)
            headers = {"Date": self.date_time_string(), **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.endpoint = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield told


@pytest.fixture
def cloud(served: Served) -> DigitalOcean:
    return DigitalOcean(served.api.endpoint, TOKEN)
