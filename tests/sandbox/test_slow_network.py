"""A slow network, on a real engine: the machines that start in it are slowed, the others are not."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest

from bakewell_local.sandbox.machines import MachineError, Machines, base_image
from bakewell_local.sandbox.machines.slow_network import SlowNetwork
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.skipif(os.geteuid() != 0, reason="slowing a machine down needs root")]


@pytest.fixture
def cloud_id() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    Machines(name).purge()


def boot(cloud_id: str, name: str) -> None:
    image = base_image.ensure(lambda line: None)
    Machines(cloud_id).create(name, image, hostname=name, instance_id=name, user_data=None, public_keys=[])


def inside(cloud_id: str, name: str, command: str) -> str:
    """What a command on a machine prints, with stderr."""
    with closing(docker.from_env()) as client:
        done = client.containers.get(f"bakewell-{cloud_id}-{name}").exec_run(["sh", "-c", command])
    return str(done.output.decode())


def round_trip(cloud_id: str, name: str) -> float:
    """Milliseconds to the host and back, the shortest of some: a busy computer adds to them."""
    host = Machines(cloud_id).bridge_address()
    said = inside(cloud_id, name, f"ping -q -i 0.2 -c 8 {host}")
    found = re.search(r"= ([\d.]+)/", said)
    assert found is not None, said
    return float(found[1])


def links() -> list[str]:
    said = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\d+: (slow\d+)", said, re.MULTILINE)


def test_a_machine_that_starts_in_it_is_slowed_and_others_are_not(cloud_id: str) -> None:
    boot(cloud_id, "droplet-1")
    before = links()
    with SlowNetwork(cloud_id, rate=20e6, round_trip=0.030) as slow:
        began = time.time()
        boot(cloud_id, "droplet-2")
        assert began < slow.check("droplet-2") <= time.time()
        slowed = round_trip(cloud_id, "droplet-2")
        size = 5_000_000
        address = Machines(cloud_id).start("droplet-1")
        serve = f"cd /root; head -c {size} /dev/zero > zeros; python3 -m http.server 8000 > /dev/null 2>&1 &"
        inside(cloud_id, "droplet-1", serve)
        fetch = "curl -sS --retry 9 --retry-connrefused -o /dev/null -w '%{time_total} %{size_download}'"
        took, fetched = inside(cloud_id, "droplet-2", f"{fetch} http://{address}:8000/zeros").split()[-2:]
        unslowed = round_trip(cloud_id, "droplet-1")
        with pytest.raises(MachineError, match="no slow network"):
            slow.check("droplet-1")
        assert len(links()) == len(before) + 1
        Machines(cloud_id).remove("droplet-2")
        until(links, lambda found: found == before)  # a link ends with its machine
        boot(cloud_id, "droplet-3")
        slow.check("droplet-3")
    assert slowed >= 30
    assert unslowed < 15
    assert int(fetched) == size, fetched
    assert float(took) >= size * 8 / 20e6
    assert links() == before
