"""The base image and a service of our own."""

from __future__ import annotations

from pyinfra import host
from steps import consul, identity, python_service, ready, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
python_service.run(
    service="api",
    description="A small HTTP service",
    source="files/service.py",
    port=host.data.variables["port"],
)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
ready.when(boot=host.data.boot, consul=host.data.consul)
seal.seal()
