"""The databases' base image and Neo4j as a Compose project, with a backup every night."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files, server
from steps import backup, consul, docker

IMAGE = f"neo4j:{host.data.versions['neo4j']}"
DATA, LOGS = "/var/lib/neo4j", "/var/log/neo4j"
BACKUP = "/usr/local/sbin/backup-neo4j"

variables = host.data.variables

# The user that the container runs as.
server.user(name="Create its user", user="neo4j", uid=7474, system=True, shell="/usr/sbin/nologin", ensure_home=False)
for folder in (DATA, LOGS):
    files.directory(name=f"Create {folder}", path=folder, user="neo4j", group="neo4j", mode="750")
docker.pull(images=[IMAGE])
docker.project(
    project=host.data.compose["project"],
    source="templates/compose.yaml.j2",
    values={"image": IMAGE, "data": DATA, "logs": LOGS, "port": host.data.port, "bolt_port": variables["bolt_port"]},
)
files.put(name="Put the backup's command", src="files/backup.sh", dest=BACKUP, mode="755")
backup.daily(role="neo4j", command=f"{BACKUP} {host.data.port}", keep=variables["backups_kept"], suffix=".tar.gz")
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
