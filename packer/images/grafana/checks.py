"""Grafana, as a visitor sees it. The project runs for these checks only, with its data in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from testinfra.host import Host

DATA = "/var/lib/grafana"
UNIT = "docker-compose@grafana.service"


@pytest.fixture(scope="module", autouse=True)
def running(host: Host) -> Iterator[None]:
    """Grafana started as user_data starts it, and removed without a trace."""
    host.check_output(f"mount -t tmpfs -o uid=472,gid=0,mode=750 none {DATA}")
    try:
        host.check_output(f"systemctl start {UNIT}")
        yield
    finally:
        host.run(f"systemctl stop {UNIT}")
        host.check_output("docker compose --project-directory /root/docker/grafana down --volumes")
        host.check_output(f"umount {DATA}")


def test_it_is_well(host: Host) -> None:
    said = host.check_output("curl -fsS --retry 60 --retry-all-errors --retry-delay 1 http://127.0.0.1:3000/api/health")
    assert json.loads(said)["database"] == "ok"


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:3000").is_listening


def test_a_killed_container_comes_back(host: Host) -> None:
    before = host.check_output("docker inspect --format '{{.State.Pid}}' grafana-grafana-1")
    host.check_output(f"kill -9 {before}")
    host.check_output("curl -fsS --retry 60 --retry-all-errors --retry-delay 1 http://127.0.0.1:3000/api/health")
    # Compose may have taken the container's death for its end; then its unit starts it again, a second later.
    host.check_output(f"timeout 60 sh -c 'until systemctl is-active --quiet {UNIT}; do sleep 0.2; done'")
    assert host.check_output("docker inspect --format '{{.State.Pid}}' grafana-grafana-1") != before


def test_its_data_is_its_own_and_none_is_in_the_image(host: Host) -> None:
    folder = host.file(DATA)
    assert (folder.uid, folder.mode) == (472, 0o750)
