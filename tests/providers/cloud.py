"""DigitalOcean's half of a local cloud as the tests of its plugin see it: its API is the real one of
`bakewell_local.sandbox.digitalocean`, faults and journal included, over machines in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.contract.served import TOKEN, Served, serving
from tests.waiting import until

__all__ = ["TOKEN", "LocalApi", "local_api"]

DROPLET = "digitalocean:index/droplet:Droplet"
KEY = "digitalocean:index/sshKey:SshKey"
TAG = "digitalocean:index/tag:Tag"
ADDRESS = "digitalocean:index/reservedIp:ReservedIp"
ASSIGNMENT = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment"
SMALL = {"image": "debian-12-x64", "region": "nyc3", "size": "s-1vcpu-1gb"}
"""The inputs of a droplet."""


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

    def __init__(self, served: Served) -> None:
        self._served = served
        self.endpoint = served.api.endpoint
        self.http = served.api.http
        self.unfinished = served.clock._app = Unfinished(served.clock._app)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; None for an empty one."""
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def droplets(self) -> list[Any]:
        return list(self.call("GET", "/v2/droplets")["droplets"])

    def holder(self, address: str) -> str | None:
        """The droplet that has a reserved IP."""
        droplet = self.call("GET", f"/v2/reserved_ips/{address}")["reserved_ip"]["droplet"]
        return str(droplet["id"]) if droplet else None

    def lead(self, address: str, droplet: str | None) -> None:
        """Have a reserved IP lead to a droplet, or to none, as somebody else would."""
        body = {"type": "assign", "droplet_id": int(droplet)} if droplet else {"type": "unassign"}
        self.call("POST", f"/v2/reserved_ips/{address}/actions", body)
        until(lambda: self.holder(address) == droplet)

    def delete_droplet(self, droplet: str) -> None:
        self._served.api.destroy(int(droplet))

    def calls(self, method: str, path: str) -> list[Any]:
        """The journal's entries for a method and a path (a regular expression)."""
        every = self.call("GET", "/sandbox/calls")["calls"]
        return [call for call in every if call["method"] == method and re.fullmatch(path, call["path"])]

    def orders(self, address: str) -> list[str]:
        """What was asked of a reserved IP, in order."""
        return [call["body"]["type"] for call in self.calls("POST", f"/v2/reserved_ips/{address}/actions")]

    def fault(self, effect: str, method: str, path: str, **options: Any) -> int:
        """Order a fault; its ID."""
        body = {"effect": effect, "method": method, "path": path, **options}
        return int(self.call("POST", "/sandbox/faults", body)["fault"]["id"])

    def reset(self) -> None:
        """Nothing is there, no fault is ordered, and the journal is empty."""
        self._served.reset()
        self.unfinished.answers = 0
        self.call("DELETE", "/sandbox/calls")


def _unchecked(response: httpx.Response) -> None:
    response.read()


@contextmanager
def local_api(folder: Path) -> Iterator[LocalApi]:
    """Serve it for the length of a `with` block."""
    with serving(folder, _unchecked) as served:
        yield LocalApi(served)
