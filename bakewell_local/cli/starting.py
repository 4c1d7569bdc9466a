"""A project's local cloud, set up and serving, with a stack that is ready for pulumi."""

from __future__ import annotations

from bakewell_local.cli import setup
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.sandbox.machines import base_image
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.progress import say
from bakewell_local.toolchain.tools import needed

DOCKER_BASE = "bakewell-base:debian-12"
"""What a stack on Docker builds from by default (docs/docker.md)."""
_CONTAINER = b"exec bakewell container "
"""In the state of a stack that has containers: how it makes one (components/pulumi_bakewell/docker)."""


def start(project: Project, stack: str, *, tell: bool = False) -> dict[str, str]:
    """Have all set up, the project's cloud serving, and the stack there; the exports for it.

    The mirror of vendors is started where an image of the stack has something of theirs.

    Args:
        project: whose cloud.
        stack: says by its settings which clouds there must be.
        tell: whether to say which provider plugins are in force.

    Raises:
        BakewellError: the stack's files are wrong, or something can't be had, built or started.
    """
    clouds = sorted(project.settings(stack).clouds)
    mirrored = project.needs_mirror(stack)
    runtimes = [project.runtime]
    setup.install(clouds=clouds, runtimes=runtimes, with_mirror=mirrored)
    cloud = LocalCloud(project.state, Builder().ensure(needed(clouds, runtimes)))
    if not cloud.serving():
        say("cloud", f"starting the local cloud in {project.state}")
        cloud.start()
    owed = cloud.state / "refresh.owed"
    if "aws" in clouds and not cloud.serving_aws():
        say("cloud", "starting its AWS half")
        owed.touch()  # for it begins with empty records; whatever becomes of this command, the next one knows
        cloud.start_aws()
    if mirrored:
        cloud.start_mirror()
    if "docker" in clouds and base_image.lend(DOCKER_BASE):
        say("docker", f"{DOCKER_BASE} is the base machine image from here on")
    for name, what in cloud.install_providers().items():
        if tell and name in ("command", *clouds):
            say("provider", f"{name}: {what}")
    environment = {**cloud.environment(), "PULUMI_STACK": stack}
    if "aws" in clouds and owed.exists():
        for known in project.known_on("aws"):
            stacks.ready(known, project, stacks.full(environment))
            stacks.refresh(known, project, stacks.full(environment))
        owed.unlink()
    stacks.ready(stack, project, stacks.full(environment))
    return environment


def take_down_containers(project: Project) -> None:
    """Remove the containers that the project's stacks have on Docker, which go with no local cloud: by pulumi, for a
    stack of the same name elsewhere may have others. Their images stay.

    Raises:
        BakewellError: a stack can't be destroyed.
    """
    for file in sorted((project.state / "stacks/.pulumi/stacks").glob("*/*.json")):
        if _CONTAINER in file.read_bytes() and file.parent.name == project.name:
            environment = stacks.full(start(project, file.stem))
            say("docker", f"destroying stack {file.stem}; its images stay: docker images 'bakewell/*/*'")
            stacks.destroy(file.stem, project, environment)
