"""The base image and Grafana as a Compose project."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files, server
from steps import consul, docker

IMAGE = f"grafana/grafana:{host.data.versions['grafana/grafana']}"
DATA = "/var/lib/grafana"

# The user that the container runs as.
server.user(name="Create its user", user="grafana", uid=472, system=True, shell="/usr/sbin/nologin", ensure_home=False)
files.directory(name=f"Create {DATA}", path=DATA, user="grafana", group="root", mode="750")
docker.pull(images=[IMAGE])
docker.project(
    project=host.data.compose["project"],
    source="templates/compose.yaml.j2",
    values={"image": IMAGE, "port": host.data.port, "data": DATA},
)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
