"""A machine of the local cloud, timed: from the call that creates it until it does what its role is for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bakewell.catalog import Health
from bakewell.machine.ssh import Ssh, Unreachable
from bench.boots.stock import TIMES

LONGEST = 1200.0  # seconds until a machine is given up
READY = "/run/bakewell/ready"
LOG = "/var/log/cloud-init-output.log"
STATE = (
    "dpkg-query -W -f '${Package} ${Version}\\n'; "
    "systemctl list-unit-files --state=enabled --plain --no-legend | cut -d' ' -f1; "
    "! command -v docker > /dev/null || docker image ls --format '{{.Repository}}:{{.Tag}}'"
)
"""What makes a machine what it is, a thing a line: packages, units that start at boot, containers' images."""


@dataclass(frozen=True)
class Boot:
    """One machine's way.

    Attributes:
        seconds: from the create call until it was ready and had answered 200 from outside.
        pyinfra: what PyInfra's own installation took of that; 0 for a baked machine.
        state: the lines of STATE.
    """

    seconds: float
    pyinfra: float
    state: frozenset[str]


@dataclass(frozen=True)
class Droplet:
    """A droplet that is up. `began`: when it was asked for, in seconds since 1970."""

    id: int
    address: str
    ssh: Ssh
    began: float


class Cloud:
    """The local cloud's API, and the key that its machines let in.

    Args:
        environment: as `LocalCloud.environment` gives it.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        headers = {"Authorization": f"Bearer {environment['DIGITALOCEAN_TOKEN']}"}
        self._api = httpx.Client(base_url=environment["DIGITALOCEAN_API_URL"], headers=headers, timeout=60)
        self._key = Path(environment["BAKEWELL_SSH_KEY"])

    @contextmanager
    def droplet(self, image: int | str, user_data: str, size: str) -> Iterator[Droplet]:
        """A droplet for as long as the block runs. It has an address; nothing else is waited for."""
        keys = [key["id"] for key in self._get("/v2/account/keys")["ssh_keys"]]
        wanted = {"name": "bench", "region": "nyc3", "size": size, "image": image, "ssh_keys": keys}
        began = time.time()
        answer = self._api.post("/v2/droplets", json={**wanted, "user_data": user_data})
        droplet_id = int(answer.raise_for_status().json()["droplet"]["id"])
        try:
            address = self._address(droplet_id)
            with Ssh(address, self._key) as ssh:
                yield Droplet(droplet_id, address, ssh, began)
        finally:
            self._destroy(droplet_id)

    def boot(self, droplet: Droplet, health: Health | None) -> Boot:
        """Wait until the droplet is ready. What it says itself counts, and an answer from outside where it serves.

        Its clock is this host's, so the time of the file that says so can be held against the time of the call.

        Raises:
            RuntimeError: it is not ready after LONGEST seconds, or what user_data runs failed; with its last words.
        """
        until = time.monotonic() + LONGEST
        answered = self._answered(droplet, health, until) if health is not None else droplet.began
        said = self._ready(droplet, until)
        words = droplet.ssh.run(f"cat {TIMES} 2> /dev/null || echo 0 0").text.split()
        state = droplet.ssh.run(STATE, timeout=60).text.splitlines()
        return Boot(max(answered, said) - droplet.began, float(words[1]) - float(words[0]), frozenset(state))

    def _answered(self, droplet: Droplet, health: Health, until: float) -> float:
        """When it first answered 200."""
        url = health.url(droplet.address)
        look = time.monotonic() + 20
        # What is sent while the machine's network comes up may get lost; the kernel would try again after a second.
        timeout = httpx.Timeout(2, connect=0.2)
        with httpx.Client(timeout=timeout, headers={"Connection": "close"}) as client:
            while True:
                try:
                    if client.get(url).status_code == httpx.codes.OK:
                        return time.time()
                except httpx.HTTPError:
                    pass  # not up so far
                # A machine that takes a minute is not kept busy with questions.
                time.sleep(0.02 if time.time() - droplet.began < 5 else 0.1)
                if time.monotonic() > look:
                    self._see_that_it_goes_on(droplet)
                    look = time.monotonic() + 5
                if time.monotonic() > until:
                    raise self._given_up(droplet, f"{url} does not answer 200")

    def _ready(self, droplet: Droplet, until: float) -> float:
        """When it wrote that it is ready."""
        while True:
            try:
                said = droplet.ssh.run(f"stat -c %.6Y {READY}")
                if said.status == 0:
                    return float(said.text)
                self._see_that_it_goes_on(droplet)
            except Unreachable:
                pass  # its SSH is not up so far
            if time.monotonic() > until:
                raise self._given_up(droplet, "it does not become ready")
            time.sleep(0.5)

    def _see_that_it_goes_on(self, droplet: Droplet) -> None:
        """Raises RuntimeError once cloud-init has ended in an error, as it does when what it runs fails."""
        try:
            said = droplet.ssh.run("cat /run/cloud-init/result.json 2> /dev/null || true").text
        except Unreachable:
            return
        if said and (errors := json.loads(said)["v1"]["errors"]):
            raise self._given_up(droplet, f"cloud-init: {errors}")

    def _given_up(self, droplet: Droplet, why: str) -> RuntimeError:
        try:
            last = droplet.ssh.run(f"cat /run/bakewell/waiting 2> /dev/null; tail -n 30 {LOG}").text
        except Unreachable as error:
            last = str(error)
        return RuntimeError(f"droplet {droplet.id}: {why}\n{last}")

    def _address(self, droplet_id: int) -> str:
        while True:
            droplet = self._get(f"/v2/droplets/{droplet_id}")["droplet"]
            if droplet["status"] == "active":
                return str(next(one["ip_address"] for one in droplet["networks"]["v4"] if one["type"] == "public"))
            time.sleep(0.02)

    def _destroy(self, droplet_id: int) -> None:
        self._api.delete(f"/v2/droplets/{droplet_id}").raise_for_status()
        while self._api.get(f"/v2/droplets/{droplet_id}").status_code != httpx.codes.NOT_FOUND:
            time.sleep(0.2)

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._api.get(path).raise_for_status().json()
        return answer
