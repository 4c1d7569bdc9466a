"""Do engine and Compose run, are the containers' images there, and no containers?"""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host


@pytest.fixture
def projects(host: Host) -> list[str]:
    """Folders of Compose projects; an image need not have any."""
    found: str = host.check_output("find /root/docker -mindepth 1 -maxdepth 1 -type d")
    return found.splitlines()


def test_the_engine_runs_and_starts_at_boot(host: Host) -> None:
    service = host.service("docker")
    assert (service.is_running, service.is_enabled) == (True, True)


def test_logs_are_bounded_and_containers_outlive_the_engine(host: Host) -> None:
    said = json.loads(host.check_output("docker info --format '{{json .}}'"))
    assert (said["LoggingDriver"], said["LiveRestoreEnabled"]) == ("json-file", True)
    options = json.loads(host.file("/etc/docker/daemon.json").content_string)["log-opts"]
    assert set(options) == {"max-file", "max-size"}


@pytest.mark.parametrize("command", ["docker compose", "docker-compose"])
def test_compose_runs(host: Host, command: str) -> None:
    assert "Docker Compose version" in host.check_output(f"{command} version")


def test_images_of_the_projects_are_there(host: Host, projects: list[str]) -> None:
    for folder in projects:
        for image in host.check_output(f"docker compose --project-directory {folder} config --images").split():
            found = host.run(f"docker image inspect {image}")
            assert found.rc == 0, f"{folder}: {found.stderr}\nremedy: call docker.pull with it in deploy.py"


def test_projects_wait_for_user_data(host: Host, projects: list[str]) -> None:
    for folder in projects:
        unit = f"docker-compose@{folder.rpartition('/')[2]}.service"
        assert host.run(f"systemctl is-enabled {unit}").stdout.strip() == "disabled"
        assert not host.service(unit).is_running


def test_no_container_and_no_network_of_one_is_in_the_image(host: Host) -> None:
    assert host.check_output("docker ps --all --quiet") == ""
    assert host.check_output("docker network ls --filter type=custom --quiet") == ""
