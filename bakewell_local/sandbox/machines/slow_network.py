"""A cloud whose machines have a slow network, while a measurement lasts: a `slow_link` for each machine that starts.

Machines that were running before, and the mirror, keep theirs. Needs root on the host that runs Docker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from docker.errors import APIError, DockerException

from bakewell_local.sandbox.machines.engine import connect, plain_errors
from bakewell_local.sandbox.machines.errors import MachineError
from bakewell_local.sandbox.machines.network import CloudNetwork
from bakewell_local.sandbox.machines.watch import Watch

SECONDS_TO_BEGIN = 30.0


class SlowNetwork:
    """A context: within it, machines of the cloud that are started are on a line of `rate` and `round_trip`.

    Args:
        cloud_id: the cloud.
        rate: bits per second, in each direction.
        round_trip: seconds that a line adds to the way there and back.

    Raises:
        MachineError: on entering, this user may not do it, or Docker does not answer.
    """

    def __init__(self, cloud_id: str, *, rate: float, round_trip: float) -> None:
        self._cloud_id = cloud_id
        self._line = [str(rate), str(round_trip / 2)]
        self._links: dict[str, subprocess.Popen[bytes]] = {}
        self._since: dict[str, float] = {}
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
            raise MachineError("a slow network needs root and /dev/net/tun", remedy="measure without it, or as root")
        self._client = connect()
        with plain_errors("a slow network"):
            CloudNetwork(self._client, self._cloud_id).ensure()
            network = self._client.networks.list(names=[f"bakewell-{self._cloud_id}"])[0]
            self._bridge = f"br-{str(network.id)[:12]}"
        self._started = Watch(self._cloud_id, "start")
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()
        self._thread.join(timeout=SECONDS_TO_BEGIN)
        for link in self._links.values():
            link.terminate()
            link.wait()

    def check(self, machine: str) -> float:
        """See that a machine that was started, "droplet-1001", is on its line; since when, in seconds since 1970.

        Raises:
            MachineError: it is not, so what it did was not slowed.
        """
        until = time.monotonic() + SECONDS_TO_BEGIN
        while machine not in self._links and self._failure is None and time.monotonic() < until:
            time.sleep(0.05)
        link = self._links.get(machine)
        if link is None or link.poll() is not None:
            raise MachineError(f"machine {machine} has no slow network: {self._failure or 'its link ended'}")
        return self._since[machine]

    def _watch(self) -> None:
        try:
            for name in self._started:
                if name.startswith("droplet-"):
                    self._links[name] = self._slow_down(name)
        except (APIError, DockerException, OSError, KeyError, IndexError, subprocess.SubprocessError) as error:
            self._failure = error

    def _slow_down(self, name: str) -> subprocess.Popen[bytes]:
        process = self._client.api.inspect_container(f"bakewell-{self._cloud_id}-{name}")["State"]["Pid"]
        inside = _links("nsenter", "--target", str(process), "--net", "ip", "-j", "link", "show", "eth0")
        outside = next(link for link in _links("ip", "-j", "link") if link["ifindex"] == inside[0]["link_index"])
        command = [
            sys.executable,
            "-m",
            "bakewell_local.sandbox.machines.slow_link",
            str(outside["ifname"]),
            self._bridge,
        ]
        link = subprocess.Popen([*command, *self._line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert link.stdout is not None
        link.stdout.readline()  # it is in place; or it has ended, which `check` sees
        self._since[name] = time.time()
        return link


def _links(*command: str) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
