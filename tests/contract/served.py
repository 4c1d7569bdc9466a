"""A local cloud served inside the test process, and the client that the tests speak to it with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.records import KINDS
from bakewell_local.sandbox.digitalocean.serving.app import create_app
from bakewell_local.sandbox.digitalocean.store import Store
from bakewell_local.sandbox.serving.server import make_server
from bakewell_local.sandbox.serving.state import listen
from tests.contract.dated import Dated
from tests.contract.fake_machines import STOCK, FakeMachines
from tests.waiting import LONGEST, until

T = TypeVar("T")
TOKEN = "local-test-token"
ACTION_SECONDS = 0.08
SLOW_SECONDS = 1.5  # long enough to look while an action is in progress, on a busy machine too
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMIuQ1NbNq2XNbVbSlVGmhVZ/0AR6FVvvVXRLlXyf1W6 test"
Check = Callable[[httpx.Response], object]


class Api:
    """HTTP with the token; every response goes through `check`."""

    def __init__(self, endpoint: str, token: str, check: Check) -> None:
        self.endpoint = endpoint
        self.http = httpx.Client(
            base_url=endpoint,
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"response": [check]},
            timeout=LONGEST,
            verify=False,  # nothing here is encrypted: spares loading certificates
        )

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, 200, params=query or None)

    def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        return self._call("POST", path, status, json=body)

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        return self._call("PUT", path, status, json=body)

    def delete(self, path: str, status: int = 204, body: Any = None) -> Any:
        return self._call("DELETE", path, status, json=body)

    def refused(self, method: str, path: str, body: Any = None, status: int = 422) -> str:
        """Expects a refusal; its message."""
        error = self._call(method, path, status, json=body)
        assert error["id"] and error["request_id"]
        return str(error["message"])

    def key(self) -> int:
        return int(self.post("/v2/account/keys", {"name": "test", "public_key": KEY})["ssh_key"]["id"])

    def droplet(self, name: str = "web-1", wait: bool = True, **fields: Any) -> Any:
        """Creates a droplet; waits until it is active, unless told not to."""
        body = {"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64", **fields}
        droplet = self.post("/v2/droplets", body, 202)["droplet"]
        return self.unlocked(droplet["id"]) if wait else droplet

    def unlocked(self, droplet_id: int) -> Any:
        """The droplet once no action holds it."""
        return until(lambda: self.get(f"/v2/droplets/{droplet_id}")["droplet"], lambda d: not d["locked"])

    def act(self, droplet_id: int, type: str, **fields: Any) -> Any:
        """An action of a droplet, waited for."""
        action = self.post(f"/v2/droplets/{droplet_id}/actions", {"type": type, **fields})["action"]
        return self.done(action["id"])

    def done(self, action_id: int) -> Any:
        return until(lambda: self.get(f"/v2/actions/{action_id}")["action"], lambda a: a["status"] != "in-progress")

    def snapshot(self, name: str = "snap", droplet_id: int | None = None) -> Any:
        """A snapshot of the droplet (of a new one, if none is given), as /v2/images shows it."""
        made = droplet_id if droplet_id is not None else self.droplet(f"builder-{name}")["id"]
        if self.get(f"/v2/droplets/{made}")["droplet"]["status"] == "active":
            assert self.act(made, "power_off")["status"] == "completed"
        assert self.act(made, "snapshot", name=name)["status"] == "completed"
        newest = self.get(f"/v2/droplets/{made}/snapshots", per_page=200)["snapshots"][-1]
        return self.get(f"/v2/images/{newest['id']}")["image"]

    def destroy(self, droplet_id: int) -> None:
        """Destroys a droplet and waits until it is gone."""
        self.delete(f"/v2/droplets/{droplet_id}")
        until(lambda: self.http.get(f"/v2/droplets/{droplet_id}").status_code, lambda status: status == 404)

    def _call(self, method: str, path: str, status: int, **given: Any) -> Any:
        response = self.http.request(method, path, **given)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None


class Served:
    """One cloud on a free port, over machines in memory."""

    def __init__(self, state: Path, check: Check, machines: FakeMachines, seconds: float, port: int = 0) -> None:
        self.machines = machines
        self._seconds = seconds
        self.cloud = Cloud(state.name, Store(state / "cloud.db"), machines, lambda: STOCK, action_seconds=seconds)
        self.cloud.resume()
        self._socket = listen("127.0.0.1", port)
        self.port = int(self._socket.getsockname()[1])
        self._server = make_server(create_app(self.cloud, TOKEN))
        self.clock = Dated(self._server)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        self.api = Api(f"http://127.0.0.1:{self.port}", TOKEN, check)

    def reset(self) -> None:
        """Makes the cloud empty again, once nothing is in progress."""
        store = self.cloud.store
        self.api.delete("/sandbox/faults")
        self.clock.reset()
        self.cloud.work.seconds = self._seconds
        until(self.cloud.work.idle)
        with store.transaction():
            for kind in KINDS:
                for record in store.all(kind):
                    store.drop(record)
        self.machines.machines.clear()
        self.machines.images = {STOCK}

    def stop(self) -> None:
        self.api.http.close()
        self._server.should_exit = True
        self._thread.join(LONGEST)
        assert not self._thread.is_alive()


@contextmanager
def serving(
    state: Path, check: Check, machines: FakeMachines | None = None, seconds: float = ACTION_SECONDS, port: int = 0
) -> Iterator[Served]:
    served = Served(state, check, machines or FakeMachines(), seconds, port)
    try:
        yield served
    finally:
        served.stop()
