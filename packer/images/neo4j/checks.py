"""Neo4j, as its clients see it. The project runs for these checks only, with its data in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

MEMORY = ("/var/lib/neo4j", "/var/log/neo4j", "/var/backups")
UNIT = "docker-compose@neo4j.service"
ANSWERS = "curl -fsS --retry 90 --retry-all-errors --retry-delay 1 http://127.0.0.1:7474/"


@pytest.fixture(scope="module", autouse=True)
def running(host: Host) -> Iterator[None]:
    """Neo4j started as user_data starts it, and removed without a trace."""
    mounted = []
    try:
        for folder in MEMORY:
            owner = host.check_output(f"stat -c uid=%u,gid=%g,mode=%a {folder}")
            host.check_output(f"mount -t tmpfs -o {owner} none {folder}")
            mounted.append(folder)
        host.check_output(f"systemctl start {UNIT}")
        yield
    finally:
        host.run(f"systemctl stop {UNIT}")
        host.run("docker compose --project-directory /root/docker/neo4j down --volumes")
        for folder in mounted:
            host.check_output(f"umount {folder}")


def test_it_answers_http(host: Host) -> None:
    assert host.run(ANSWERS).rc == 0


@pytest.mark.parametrize("port", [7474, 7687])
def test_it_answers_from_outside(host: Host, port: int) -> None:
    assert host.run(ANSWERS).rc == 0
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


def test_a_backup_holds_its_data_and_it_goes_on_afterwards(host: Host) -> None:
    assert host.run(ANSWERS).rc == 0
    made = host.run("systemctl start backup-neo4j.service")
    assert made.rc == 0, host.run("journalctl -u backup-neo4j.service").stdout
    (file,) = host.check_output("ls /var/backups/neo4j/*.tar.gz").splitlines()
    assert len(host.check_output(f"tar -tzf {file}").splitlines()) > 1
    assert host.service(UNIT).is_running
    assert host.run(ANSWERS).rc == 0


def test_nothing_of_it_is_in_the_image(host: Host) -> None:
    """Looked for below what the fixture has mounted over it."""
    look = "mount --bind /var/lib $d && find $d/neo4j -mindepth 1; umount $d; rmdir $d"
    assert host.check_output(f"d=$(mktemp -d /run/check.XXXXXX) && {look}") == ""
