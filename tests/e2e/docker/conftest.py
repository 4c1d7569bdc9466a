"""A clone whose stack is on Docker: a small catalog whose `web` answers HTTP, and the engine as a user sees it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import DockerClient
from docker.errors import NotFound

from bakewell_local.sandbox import docker_projects
from bakewell_local.sandbox.machines import base_image
from tests.e2e.workspace import Workspace

WEB = {
    "image.toml": """
description = "Python's own web server with one page"
parent = "base"

[boot]
services = ["page.service"]
health = { port = 8000, path = "/" }
""",
    "deploy.py": '''
"""A page, and a unit that serves it."""

from io import StringIO

from pyinfra.operations import files
from steps import stamp

UNIT = """
[Service]
ExecStart=/usr/bin/python3 -m http.server 8000 --directory /srv
"""

stamp.place("web")
files.put(name="Page", src="files/stamp.txt", dest="/srv/index.html")
files.put(name="Unit", src=StringIO(UNIT), dest="/etc/systemd/system/page.service")
''',
}


@dataclass(frozen=True)
class Engine:
    """What a project has in the Docker Engine."""

    client: DockerClient
    project: str

    def images(self) -> list[str]:
        """IDs of its images, finished or not."""
        found = self.client.api.images(all=True, filters={"label": f"bakewell:project={self.project}"})
        return [str(one["Id"]).removeprefix("sha256:") for one in found]

    def containers(self, *, builders: bool) -> list[dict[str, Any]]:
        """Its containers, running or not: those that build, or those of its stacks."""
        found = self.client.api.containers(all=True, filters={"label": f"bakewell:project={self.project}"})
        return [one for one in found if (one["Labels"].get("bakewell:builder") == "") == builders]

    def names(self) -> set[str]:
        """Of the containers of its stacks."""
        return {one["Names"][0].removeprefix("/") for one in self.containers(builders=False)}

    def purge(self) -> None:
        """Remove all of it."""
        docker_projects.remove(self.client, self.project)
        assert self.images() == []


@pytest.fixture
def project(project: str, clouds_folder: Path) -> str:
    """A name of this run's own, for others have the same engine; noted, so that a run that is killed leaves nothing."""
    own = f"{project}-{clouds_folder.name}"
    docker_projects.note(clouds_folder, own)
    return own


@pytest.fixture
def engine(project: str) -> Iterator[Engine]:
    with closing(docker.from_env()) as client:
        found = Engine(client, project)
        yield found
        found.purge()


@pytest.fixture
def workspace(tmp_path: Path, cloud_environment: Mapping[str, str], project: str, engine: Engine) -> Workspace:
    """A clone whose stack has one container of `web`, on the base that the local cloud's machines have."""
    made = Workspace.make(tmp_path / "clone", cloud_environment, project)
    for name, text in WEB.items():
        made.write(f"packer/images/web/{name}", text)
    made.configure(clouds=["docker"], roles=["web"], digitalocean={}, docker={"containers": {"web": {"count": 1}}})
    made.bakewell("lock", "debian-12", "--cloud", "docker", "--image", base_image.ensure(print))
    made.init()
    return made


@pytest.fixture
def name(project: str, engine: Engine) -> Iterator[str]:
    """A container's, which is gone after the test."""
    yield f"{project}-try"
    try:
        engine.client.api.remove_container(f"{project}-try", force=True, v=True)
    except NotFound:
        return


def container(name: str, *options: str, told: str = "") -> subprocess.CompletedProcess[str]:
    """`bakewell container`, with the user_data `told`."""
    argv = ("bakewell", "container", name, *options)
    return subprocess.run(argv, input=told, capture_output=True, text=True, check=False)
