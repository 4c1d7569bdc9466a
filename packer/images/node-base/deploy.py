"""Debian 12 with what every node has."""

from __future__ import annotations

from pyinfra import host
from steps import cloud_init, consul, consul_template, core, hardening, monitoring, updates

core.tools()
hardening.harden()
updates.daily()
monitoring.node_exporter(version=host.data.versions["prometheus-node-exporter"])
consul.agent(download=host.data.downloads["consul"])
consul_template.install(download=host.data.downloads["consul-template"])
cloud_init.tune()
