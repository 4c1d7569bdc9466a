"""Debian 12 with what every database machine of ours has: like base, with backups and without an operator's tools."""

from __future__ import annotations

from pyinfra import host
from steps import backup, cloud_init, consul, consul_template, core, docker, hardening, monitoring, updates

versions, downloads = host.data.versions, host.data.downloads

core.tools()
hardening.harden()
updates.daily()
monitoring.node_exporter(version=versions["prometheus-node-exporter"])
docker.engine(version=versions["docker.io"])
docker.compose(download=downloads["docker-compose"])
consul.agent(download=downloads["consul"])
consul_template.install(download=downloads["consul-template"])
backup.install()
cloud_init.tune()
