"""A local cloud in this process, with machines that are only names: its API is the real one of `sandbox.digitalocean`,
faults and journal included, and needs no Docker.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from sandbox.digitalocean.cloud import Cloud
from sandbox.digitalocean.serving.app import create_app
from sandbox.digitalocean.store import Store
from sandbox.serving.server import make_server
from sandbox.serving.state import listen
from tests.contract.fake_machines import STOCK, FakeMachines
from tests.waiting import LONGEST, none_left

TOKEN = "provider-tests"


class Unfinished:
    """ASGI middleware: actions that say "completed" without `completed_at`, for the next `answers` answers."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.answers = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or self.answers <= 0 or not scope["path"].startswith("/v2/actions/"):
            await self._app(scope, receive, send)
            return
        self.answers -= 1

        async def change(message: Any) -> None:
            if message["type"] == "http.response.body":
                answer = json.loads(message["body"])
                answer["action"] |= {"status": "completed", "completed_at": None}
                message = {**message, "body": json.dumps(answer).encode()}
            elif message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, change)


class LocalApi:
    """The API as a test sees it: calls of its own, the journal, faults."""

    def __init__(self, port: int, unfinished: Unfinished) -> None:
        self._port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.unfinished = unfinished

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; None for an empty one."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status < 400, (method, path, answer.status, content)
            return json.loads(content) if content else None
        finally:
            connection.close()

    def droplets(self) -> list[Any]:
        return list(self.call("GET", "/v2/droplets")["droplets"])

    def calls(self, method: str, path: str) -> list[Any]:
        """The journal's entries for a method and a path (a regular expression)."""
        every = self.call("GET", "/sandbox/calls")["calls"]
        return [call for call in every if call["method"] == method and re.fullmatch(path, call["path"])]

    def fault(self, effect: str, method: str, path: str, **options: Any) -> int:
        """Order a fault; its ID."""
        body = {"effect": effect, "method": method, "path": path, **options}
        return int(self.call("POST", "/sandbox/faults", body)["fault"]["id"])

    def reset(self) -> None:
        """No droplets, no reserved IPs, no faults, an empty journal."""
        self.call("DELETE", "/sandbox/faults")
        self.unfinished.answers = 0
        none_left(lambda: [droplet for droplet in self.droplets() if droplet["locked"]])
        for droplet in self.droplets():
            self.call("DELETE", f"/v2/droplets/{droplet['id']}")
        none_left(self.droplets)
        for address in self.call("GET", "/v2/reserved_ips")["reserved_ips"]:
            self.call("DELETE", f"/v2/reserved_ips/{address['ip']}")
        self.call("DELETE", "/sandbox/calls")


@contextmanager
def local_api(folder: Path) -> Iterator[LocalApi]:
    """Serve it for the length of a `with` block."""
    cloud = Cloud("providers", Store(folder / "cloud.db"), FakeMachines(), lambda: STOCK, action_seconds=0.2)
    cloud.resume()
    socket = listen("127.0.0.1", 0)
    server = make_server(create_app(cloud, TOKEN))
    unfinished = Unfinished(server.config.app)
    server.config.app = unfinished
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        api = LocalApi(socket.getsockname()[1], unfinished)
        while not server.started:
            time.sleep(0.01)
        yield api
    finally:
        server.should_exit = True
        thread.join(LONGEST)
