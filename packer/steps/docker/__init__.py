"""Docker Engine from Debian, Compose from its vendor, and services that are containers: one Compose project each.

No storage driver is configured: Docker takes the best one that the machine's disk allows.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import validate_call
from pyinfra import host
from pyinfra.api import FactBase, StringCommand, deploy, operation
from pyinfra.operations import files, server, systemd

from steps import packages, release

FILES = Path(__file__).parent / "files"
PROJECTS = "/root/docker"
PLUGIN = "/usr/local/lib/docker/cli-plugins/docker-compose"
UNIT = "docker-compose@.service"


@deploy("Docker")
def engine(version: str) -> None:
    """Docker Engine running, now and at boot. Containers keep at most 30 MB of logs each, and outlive its restarts.

    Args:
        version: of Debian's package docker.io, or Amazon Linux' docker; may be a pattern. Rocky Linux has none.
    """
    # Before the package, which starts the engine; so it need not be started twice.
    files.directory(name="Create /etc/docker", path="/etc/docker", mode="755")
    settings = files.put(
        name="Configure the engine", src=str(FILES / "daemon.json"), dest="/etc/docker/daemon.json", mode="644"
    )
    amazon = {"docker": version} if host.get_fact(packages.Base) == "amzn" else None
    package = packages.install(f"Install Docker Engine {version}", {"docker.io": version}, amazon)
    systemd.service(
        name="Restart it",
        service="docker.service",
        restarted=True,
        _if=lambda: settings.did_change() and not package.did_change(),
    )
    systemd.service(name="Start it, now and at boot", service="docker.service", running=True, enabled=True)


@deploy("Docker")
@validate_call
def compose(download: release.Download) -> None:
    """Compose, as `docker compose` and as `docker-compose`; and the unit that runs a project of PROJECTS."""
    release.install(
        name=f"Install Docker Compose {download['version']}", release="docker-compose", download=download, dest=PLUGIN
    )
    files.link(name="Also as docker-compose", path="/usr/local/bin/docker-compose", target=PLUGIN)
    files.directory(name=f"Create {PROJECTS}", path=PROJECTS, user="root", group="root", mode="700")
    unit = files.put(name=f"Put {UNIT}", src=str(FILES / UNIT), dest=f"/etc/systemd/system/{UNIT}", mode="644")
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)


class Pulled(FactBase[bool]):
    """Whether the engine has `image`."""

    def command(self, image: str) -> str:
        return f"docker image inspect {shlex.quote(image)} > /dev/null 2>&1 && echo there || true"

    def process(self, output: Iterable[str]) -> bool:
        return "there" in list(output)


@deploy("Docker")
def pull(images: Sequence[str], username: str = "", password: str = "") -> None:
    """The engine has `images` ("grafana/grafana:10.2.3"). One that it has is not asked for again, so pin versions.

    Args:
        username: of the images' registries, where these don't let strangers pull.
        password: its password or token, such as host.data.secrets["REGISTRY_TOKEN"]. The login is kept in memory, and
            removed after the pull.
    """
    # A machine that has only just booted may be let in before its engine is up.
    systemd.service(name="Start the engine", service="docker.service", running=True)
    for image in images:
        pull_image(name=f"Pull {image}", image=image, username=username, password=password)


_LOGIN = """
set -e
DOCKER_CONFIG=$(mktemp -d /run/docker-login.XXXXXX)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
docker login --username "$1" --password-stdin ${2:+"$2"} > /dev/null
docker pull --quiet "$3"
"""
"""The password is on stdin: arguments are for every process to see."""


def registry(image: str) -> str:
    """The registry that an image is of; "" for Docker's own."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else ""


@operation()
def pull_image(image: str, username: str = "", password: str = "") -> Generator[StringCommand, None, None]:
    """The engine has `image`; arguments as in `pull`."""
    if host.get_fact(Pulled, image=image):
        host.noop(f"{image} is there")
        return
    remedy = (
        f"remedy: see that {image} exists, that its registry lets strangers pull it and answers this machine; "
        "where it says toomanyrequests, wait or name a registry of your own"
    )
    pulled = f"docker pull --quiet {shlex.quote(image)}"
    if username:
        pulled = shlex.join(["sh", "-c", _LOGIN, "login", username, registry(image), image])
        remedy = (
            f"remedy: see what its registry says above, of the user {username} and of the secret that is its password"
        )
    failed = f"{{ echo {shlex.quote(f'{image} cannot be pulled')} >&2; echo {shlex.quote(remedy)} >&2; exit 1; }}"
    yield StringCommand(f"{pulled} || {failed}", _stdin=f"{password}\n" if username else "")


@deploy("Docker")
def project(project: str, source: str, values: Mapping[str, Any]) -> None:
    """Containers as the service `docker-compose@<project>.service`, which is neither started nor enabled here.

    A machine's user_data starts it. It gives the containers' Compose file the variables of /etc/bakewell/environment,
    where there is one.

    Args:
        project: the folder under PROJECTS.
        source: the template of its compose.yaml. Services should say `restart: unless-stopped`.
        values: for the template.
    """
    folder = f"{PROJECTS}/{project}"
    files.directory(name=f"Create {folder}", path=folder, user="root", group="root", mode="700")
    file = files.template(
        name=f"Put {folder}/compose.yaml", src=source, dest=f"{folder}/compose.yaml", mode="644", **values
    )
    remedy = f"remedy: correct {source}, from which {folder}/compose.yaml is made"
    server.shell(
        name=f"Validate {source}",
        commands=[
            f"docker compose --project-directory {folder} config --quiet || "
            f"{{ echo '{source} is no valid Compose file' >&2; echo {shlex.quote(remedy)} >&2; exit 1; }}"
        ],
        _if=file.did_change,
    )
