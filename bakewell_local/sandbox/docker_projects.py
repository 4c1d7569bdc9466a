"""What a test run makes in the Docker Engine itself, which no local cloud goes with: containers and images of a project
whose cloud is `docker`.

A run notes its projects in its folder (`bakewell_local.cli.setup.own_folder`) before it makes anything. Their names are
the run's own, so that nothing noted is another run's, or a user's.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from docker import DockerClient

from bakewell.clouds.docker.api import remove_container
from bakewell.image import NAMESPACE
from bakewell_local.sandbox.machines.engine import connect, plain_errors, remove_images

_NOTES = "docker-projects"


def note(folder: Path, project: str) -> None:
    """Note a project in a run's folder."""
    with (folder / _NOTES).open("a") as notes:
        notes.write(f"{project}\n")


def remove_noted(folder: Path) -> None:
    """Remove what the projects that are noted in a run's folder have.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    notes = folder / _NOTES
    for project in dict.fromkeys(notes.read_text().split() if notes.exists() else []):
        with plain_errors(f"removing what project {project} has"), closing(connect()) as client:
            remove(client, project)


def remove(client: DockerClient, project: str) -> None:
    """Remove the containers of a project, which have its label or a name that begins with its own, and its images."""
    ours = {"label": f"{NAMESPACE}:project={project}"}
    for filters in (ours, {"name": f"^/?{project}-"}):
        for container in client.api.containers(all=True, filters=filters):
            remove_container(client, container["Id"])
    remove_images(client, ours)
