"""Debian 12 with what every node has."""

from __future__ import annotations

from pyinfra import host
from steps import cloud_init, consul, consul_template, core, hardening, identity, monitoring, ready, seal, updates

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
core.tools()
hardening.harden()
updates.daily()
monitoring.node_exporter(version=host.data.versions["prometheus-node-exporter"])
consul.agent(download=host.data.downloads["consul"])
consul_template.install(download=host.data.downloads["consul-template"])
cloud_init.tune()
ready.when(boot=host.data.boot, consul=host.data.consul)
seal.seal()
